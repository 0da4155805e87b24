"""The remains of a power cut after the durable data are moved to quarantine; earlier damage is
refused.
"""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.durability_marker import write_marker
from nova.core.store.keys import EVENT_FAMILIES
from nova.core.store.log_records import BLOCK_BYTES
from nova.core.store.quarantine import QUARANTINE_FOLDER, quarantined
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]

EVERYTHING = (b"", b"\xff" * 64)
DURABLE, WRITTEN = 300, 420
TRIES = 25


@pytest.fixture
def crash(tmp_path: Path, record: Make) -> tuple[Path, dict[str, int]]:
    """A copy of an archive at a power cut, with several logs: 300 events are durable and witnessed,
    120 more only written, the last 70 to a log that was begun for a file that does not count yet;
    and the sizes of the logs when they were durable.
    """
    data = tmp_path / "live"
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    sizes: dict[str, int] = {}
    manifest = b""
    for number in range(0, WRITTEN, 10):
        batch = Batch([record(n) for n in range(number, number + 10)], {"s": number + 10})
        committer.add_batch("link", batch)
        committer.close_commit()
        if number + 10 == DURABLE:
            archive.sync()
            write_marker(data, committer.marker())
            sizes = {path.name: path.stat().st_size for path in logs(data)}
        if number in (90, 200, 340):
            manifest = manifest_of(data).read_bytes()
            archive.families["series_source"].flush(True)  # begins another log
    copy = tmp_path / "crash"
    shutil.copytree(data, copy)
    archive.close()
    manifest_of(copy).write_bytes(manifest)
    assert len(logs(copy)) == 4
    return copy, sizes


def manifest_of(data: Path) -> Path:
    """The MANIFEST of an archive."""
    (path,) = (data / TRUTH_FOLDER).glob("MANIFEST-*")
    return path


def logs(data: Path) -> list[Path]:
    """The logs of an archive in order."""
    return sorted((data / TRUTH_FOLDER).glob("*.log"))


def events_of(data: Path) -> int:
    """How many events an archive holds in each order, opened as its writer would."""
    archive = Archive.open_primary(data)
    try:
        events = Committer(archive, data).counters.events
        for family in EVENT_FAMILIES:
            assert sum(1 for _ in scan(archive.families[family], *EVERYTHING)) == events
        return events
    finally:
        archive.close()


def damage(data: Path, dice: random.Random, sizes: dict[str, int], *, behind: bool) -> Path:
    """Write garbage into a log of a copy, after or before the durable data; returns the log."""
    paths = [
        path
        for path in logs(data)
        if (path.stat().st_size > sizes.get(path.name, 0) if behind else path.name in sizes)
    ]
    path = dice.choice(paths)
    durable = sizes.get(path.name, 0)
    assert durable or behind
    content = path.read_bytes()
    at = dice.randint(durable, len(content) - 1) if behind else dice.randrange(durable)
    garbage = dice.randbytes(dice.choice((1, 7, 100, BLOCK_BYTES, 3 * BLOCK_BYTES)))
    rest = b"" if behind and dice.random() < 0.5 else content[at + len(garbage) :]
    path.write_bytes(content[:at] + garbage + rest)
    return path


def test_garbage_behind_the_truth_is_cut_off_and_kept(
    crash: tuple[Path, dict[str, int]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """2 or 3 of 9 power cuts ended in "bad record length", though all that was acknowledged lay
    before it.
    """
    data, sizes = crash
    dice = random.Random(12)
    cut = 0
    for number in range(TRIES):
        copy = tmp_path / f"behind{number}"
        shutil.copytree(data, copy)
        path = damage(copy, dice, sizes, behind=True)
        damaged = path.read_bytes()
        caplog.clear()
        with caplog.at_level(logging.ERROR, "nova.core.store.quarantine"):
            events = events_of(copy)
        assert DURABLE <= events <= WRITTEN
        if kept := quarantined(copy):
            cut += 1
            assert "was cut off" in caplog.text
            tail = (copy / QUARANTINE_FOLDER / kept[0]).read_bytes()
            assert tail and any(tail in content for content in (damaged, *contents(data)))
        assert events_of(copy) == events
        shutil.rmtree(copy)
    assert cut > TRIES // 3


def contents(data: Path) -> list[bytes]:
    """What is in the logs of an archive."""
    return [path.read_bytes() for path in logs(data)]


def test_garbage_before_the_witness_stays_a_refusal(
    crash: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    """And nothing of it is touched."""
    data, sizes = crash
    dice = random.Random(13)
    for number in range(TRIES):
        copy = tmp_path / f"before{number}"
        shutil.copytree(data, copy)
        path = damage(copy, dice, sizes, behind=False)
        before = contents(copy)
        if before == contents(data):
            continue
        with pytest.raises(ArchiveDamagedError):
            events_of(copy)
        assert contents(copy) == before, path
        assert quarantined(copy) == []
        shutil.rmtree(copy)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_log_that_is_gone_is_refused(crash: tuple[Path, dict[str, int]], place: int) -> None:
    """RocksDB would open the archive with a hole in it."""
    data, _ = crash
    logs(data)[place].unlink()
    with pytest.raises(ArchiveDamagedError, match=r"lacks records|, but"):
        events_of(data)


def test_a_log_that_a_writer_holds_is_not_looked_at(tmp_path: Path, record: Make) -> None:
    """A second writer is refused, and cuts nothing off."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    committer.add_batch("link", Batch([record(1)]))
    committer.close_commit()
    write_marker(tmp_path, committer.marker())
    with logs(tmp_path)[-1].open("ab") as file:
        file.write(b"garbage" * 20_000)
    with pytest.raises(Exception, match="held by another writer"):
        Archive.open_primary(tmp_path)
    assert quarantined(tmp_path) == []
    archive.close()


PAGE = 4096


def padded(record: Record, size: int) -> Record:
    """The same event with a text of the given length."""
    members = msgspec.json.decode(record.value)
    members["payload"]["pad"] = "x" * size
    return record._replace(value=msgspec.json.encode(members))


@pytest.fixture(params=[(150, 10), (2, 50_000)])
def torn(request: pytest.FixtureRequest, tmp_path: Path, record: Make) -> tuple[Path, Path, int]:
    """A copy of an archive whose last commit, of more than one block, is neither acknowledged nor
    witnessed; its log; and the offset of that commit.
    """
    data = tmp_path / "live"
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    committer.add_batch("link", Batch([record(n) for n in range(20)]))
    committer.close_commit()
    archive.sync()
    write_marker(data, committer.marker())
    (log,) = logs(data)
    offset = log.stat().st_size
    count, size = request.param
    committer.add_batch("link", Batch([padded(record(n), size) for n in range(20, 20 + count)]))
    committer.close_commit()
    copy = tmp_path / "copy"
    shutil.copytree(data, copy)
    archive.close()
    (log,) = logs(copy)
    assert log.stat().st_size > offset + 2 * BLOCK_BYTES
    return copy, log, offset


def cuts(content: bytes, offset: int) -> dict[str, bytes]:
    """What a power cut may leave of a log whose pages behind `offset` were not synced."""
    pages = range((offset // PAGE + 1) * PAGE, len(content), PAGE)
    zeros = {f"zeros from {at}": content[:at] + bytes(len(content) - at) for at in pages}
    short = {f"cut at {at}": content[:at] for at in pages}
    hole = {f"no page {at}": content[:at] + bytes(PAGE) + content[at + PAGE :] for at in pages}
    both = {
        f"no page {at}, cut": content[:at] + bytes(PAGE) + content[at + PAGE : at + 5 * PAGE]
        for at in pages
    }
    return zeros | short | hole | both


def test_a_power_cut_in_a_record_of_several_blocks_is_cut_off(
    torn: tuple[Path, Path, int], tmp_path: Path
) -> None:
    """RocksDB compares the checksums of a torn record's fragments and refused 40 of 44."""
    data, log, offset = torn
    whole = log.read_bytes()
    kept = 0
    for content in list(cuts(whole, offset).values())[::2]:
        copy = tmp_path / "torn"
        shutil.copytree(data, copy)
        (copy / TRUTH_FOLDER / log.name).write_bytes(content)
        assert events_of(copy) == 20
        if names := quarantined(copy):
            kept += 1
            assert (copy / QUARANTINE_FOLDER / names[0]).read_bytes() == content[offset:]
        shutil.rmtree(copy)
    assert kept > 10


def test_the_same_before_the_witness_stays_a_refusal(
    torn: tuple[Path, Path, int], tmp_path: Path
) -> None:
    """Whatever a fault takes of a record that is durable is not cut off."""
    data, log, offset = torn
    archive = Archive.open_primary(shutil.copytree(data, tmp_path / "whole"))
    committer = Committer(archive, tmp_path / "whole")
    write_marker(data, committer.marker())
    committer.close_commit()
    archive.close()
    for content in list(cuts(log.read_bytes(), offset).values())[::3]:
        copy = tmp_path / "torn"
        shutil.copytree(data, copy)
        (copy / TRUTH_FOLDER / log.name).write_bytes(content)
        with pytest.raises(ArchiveDamagedError):
            events_of(copy)
        assert quarantined(copy) == []
        shutil.rmtree(copy)


ENDS = {
    "garbage": random.Random(5).randbytes(5000),
    "a header and zeros": b"\1\2\3\4\x40\0\1" + bytes(200),
    "a torn first part": b"\1\2\3\4\x10\0\2" + b"x" * 16,
}


@pytest.mark.parametrize("end", ENDS)
def test_an_unreadable_end_of_the_manifest_is_cut_off(
    crash: tuple[Path, dict[str, int]], end: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A power cut leaves it where an edit was being written: nothing was removed because of it."""
    data, _ = crash
    with manifest_of(data).open("ab") as file:
        file.write(ENDS[end])
    name = manifest_of(data).name
    assert events_of(data) == WRITTEN
    (kept,) = quarantined(data)
    assert kept.startswith(name)
    assert (data / QUARANTINE_FOLDER / kept).read_bytes() == ENDS[end]
    assert "was cut off" in caplog.text
    assert events_of(data) == WRITTEN


@pytest.mark.parametrize("end", ENDS)
def test_a_manifest_that_lost_what_was_durable_is_refused(
    tmp_path: Path, record: Make, end: str
) -> None:
    """Its files replaced the logs, so the rest of it does not say where the events are."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    committer.add_batch("link", Batch([record(n) for n in range(20)]))
    committer.close_commit()
    before = manifest_of(tmp_path).stat().st_size
    for family in archive.families.values():
        family.flush(True)
    write_marker(tmp_path, committer.marker())
    archive.close()
    damaged = manifest_of(tmp_path).read_bytes()[:before] + ENDS[end]
    manifest_of(tmp_path).write_bytes(damaged)
    tables = sorted((tmp_path / TRUTH_FOLDER).glob("*.sst"))
    with pytest.raises(ArchiveDamagedError, match="MANIFEST-"):
        events_of(tmp_path)
    assert manifest_of(tmp_path).read_bytes() == damaged
    assert sorted((tmp_path / TRUTH_FOLDER).glob("*.sst")) == tables
