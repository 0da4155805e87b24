"""What a power cut leaves behind the truth is cut off and kept; damage before it is refused."""

from __future__ import annotations

import logging
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ArchiveDamagedError
from core.store.archive import TRUTH_FOLDER, Archive
from core.store.keys import EVENT_FAMILIES
from core.store.log_records import BLOCK_BYTES
from core.store.log_tail import QUARANTINE_FOLDER, quarantined
from core.store.scan import scan
from core.store.witness import write_witness
from core.writer.commit import Committer
from sdk.transport.base import Batch, Record

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
        committer.take("link", batch)
        committer.close()
        if number + 10 == DURABLE:
            archive.sync()
            write_witness(data, committer.witness())
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
    """Garbage in a log of a copy, behind what is durable or before it; returns the log."""
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
        with caplog.at_level(logging.ERROR, "core.store.log_tail"):
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
    committer.take("link", Batch([record(1)]))
    committer.close()
    write_witness(tmp_path, committer.witness())
    with logs(tmp_path)[-1].open("ab") as file:
        file.write(b"garbage" * 20_000)
    with pytest.raises(Exception, match="held by another writer"):
        Archive.open_primary(tmp_path)
    assert quarantined(tmp_path) == []
    archive.close()
