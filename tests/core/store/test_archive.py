"""The archive keeps durable data, and reports when it cannot."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.durability_marker import write_marker
from nova.core.store.keys import FAMILIES
from nova.core.store.options import MIB
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from nova.sdk.errors import NovaError
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]

EVERYTHING = (b"", b"\xff" * 64)
READ = ("canonical", "source")
BLOCKS_BYTES = 50_000
"""A file from this size on has blocks of data in its first half."""


def fill(data: Path, record: Make, first: int, count: int) -> int:
    """Commit and sync events in an archive that is left as a crash leaves it; returns the WAL's
    size.
    """
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    committer.add_batch(
        "link", Batch([record(n) for n in range(first, first + count)], {"s": first + count})
    )
    committer.close_commit()
    archive.sync()
    write_marker(data, committer.marker())
    size = wal(data).stat().st_size
    archive.close()
    return size


def wal(data: Path) -> Path:
    """The newest log of an archive."""
    return max((data / TRUTH_FOLDER).glob("*.log"))


def count_of(data: Path) -> int:
    """How many events an archive holds; it is opened as its writer would."""
    archive = Archive.open_primary(data)
    try:
        committer = Committer(archive, data)
        rows = sum(1 for _ in scan(archive.families["canonical"], *EVERYTHING))
        assert rows == committer.counters.events
        return rows
    finally:
        archive.close()


def test_all_families_are_there_from_the_first_open(archive: Archive) -> None:
    """A family made later breaks the secondaries that are open."""
    assert set(archive.families) == set(FAMILIES)


def test_a_second_writer_is_refused_in_words(archive: Archive, tmp_path: Path) -> None:
    """A-002: one process writes."""
    with pytest.raises(ArchiveError, match="held by another writer"):
        Archive.open_primary(tmp_path)


def test_a_secondary_sees_what_was_written_after_it_opened(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path
) -> None:
    """Readers follow the writer from processes of their own."""
    view = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    committer.add_batch("link", Batch([record(1)]))
    committer.close_commit()
    view.catch_up()
    assert sum(1 for _ in scan(view.families["canonical"], *EVERYTHING)) == 1
    view.close()


def test_a_reader_of_nothing_says_what_to_start(tmp_path: Path) -> None:
    """An error that helps, where there is no archive yet."""
    with pytest.raises(ArchiveError, match="start its writer first"):
        Archive.open_secondary(tmp_path, tmp_path / "scratch")


def flip(path: Path, at: int) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def flushed(data: Path, record: Make) -> Path:
    """An archive whose events lie in a file; the path of the largest, which holds them."""
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    committer.add_batch("link", Batch([record(n) for n in range(3_000)]))
    committer.close_commit()
    for family in archive.families.values():
        family.flush(True)
    archive.close()
    return max((data / TRUTH_FOLDER).glob("*.sst"), key=lambda path: path.stat().st_size)


def test_a_flipped_byte_in_a_file_ends_a_scan_loudly(tmp_path: Path, record: Make) -> None:
    """A scan over a block that cannot be read raises; it never gives a short answer."""
    file = flushed(tmp_path, record)
    flip(file, file.stat().st_size // 3)
    damaged = Archive.open_primary(tmp_path)
    try:
        with pytest.raises(ArchiveDamagedError, match="cannot be read beyond key"):
            for family in damaged.families.values():
                list(scan(family, *EVERYTHING))
    finally:
        damaged.close()


def test_a_file_that_is_gone_is_refused_at_the_open(tmp_path: Path, record: Make) -> None:
    """Pitfalls row 5: a missing file is damage, not an empty range."""
    flushed(tmp_path, record).unlink()
    with pytest.raises(ArchiveError, match=r"\.sst"):
        Archive.open_primary(tmp_path)


def crashed(tmp_path: Path, record: Make) -> tuple[Path, int]:
    """A copy of an archive at a power cut: 40 durable events, 40 more only written."""
    data = tmp_path / "live"
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    committer.add_batch("link", Batch([record(n) for n in range(40)], {"s": 40}))
    committer.close_commit()
    archive.sync()
    write_marker(data, committer.marker())
    durable = wal(data).stat().st_size
    for number in range(40, 80):
        committer.add_batch("link", Batch([record(number)], {"s": number + 1}))
        committer.close_commit()
    copy = tmp_path / "crashed"
    shutil.copytree(data, copy)
    (copy / TRUTH_FOLDER / "LOCK").unlink()
    archive.close()
    return copy, durable


def test_a_power_cut_leaves_a_prefix_with_its_exact_position(tmp_path: Path, record: Make) -> None:
    """Pitfalls row 3: cut anywhere behind the durable mark, with garbage or without."""
    crash, durable = crashed(tmp_path, record)
    size = wal(crash).stat().st_size
    dice = random.Random(5)
    for attempt in range(12):
        data = tmp_path / f"cut{attempt}"
        shutil.copytree(crash, data)
        cut = dice.randint(durable, size)
        kept = wal(data).read_bytes()[:cut]
        wal(data).write_bytes(kept + (dice.randbytes(3) if attempt % 2 else b""))
        events = count_of(data)
        assert 40 <= events <= 80
        archive = Archive.open_primary(data)
        assert Committer(archive, data).load_positions("link") == {"s": events}
        archive.close()


def test_a_lost_log_is_refused_by_the_witness(tmp_path: Path, record: Make) -> None:
    """Pitfalls row 4: RocksDB opens it as an empty archive; we do not."""
    crash, _ = crashed(tmp_path, record)
    wal(crash).unlink()
    with pytest.raises(ArchiveDamagedError, match="has lost durable events"):
        count_of(crash)


def test_a_log_cut_before_the_durable_mark_is_refused(tmp_path: Path, record: Make) -> None:
    """What was announced as durable cannot be missing without a word."""
    crash, durable = crashed(tmp_path, record)
    wal(crash).write_bytes(wal(crash).read_bytes()[: durable // 2])
    with pytest.raises(ArchiveDamagedError):
        count_of(crash)


def test_a_flipped_byte_inside_the_log_is_refused(tmp_path: Path, record: Make) -> None:
    """The middle of the log is no torn tail."""
    crash, durable = crashed(tmp_path, record)
    flip(wal(crash), durable // 2)
    with pytest.raises(ArchiveDamagedError):
        count_of(crash)


def test_an_archive_of_another_layout_is_refused(archive: Archive, tmp_path: Path) -> None:
    """An older NOVA says that it does not know, instead of guessing."""
    batch = archive.batch()
    batch.put_record(b"schema/version", b"999")
    archive.write(batch)
    with pytest.raises(ArchiveError, match="layout"):
        Committer(archive, tmp_path)


def test_a_reopened_archive_goes_on_where_it_was(tmp_path: Path, record: Make) -> None:
    """A-313: events, positions and the last canonical time are recovered."""
    fill(tmp_path, record, 0, 10)
    fill(tmp_path, record, 5, 10)
    assert count_of(tmp_path) == 15


def test_a_look_up_in_a_block_that_cannot_be_read_is_damage(tmp_path: Path, record: Make) -> None:
    """Pitfalls row 5: "not there" would store an event twice, or answer short."""
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    committer.add_batch("link", Batch([record(n) for n in range(3_000)]))
    committer.close_commit()
    for family in archive.families.values():
        family.flush(True)
    keys = {name: [key for key, _ in scan(archive.families[name], *EVERYTHING)] for name in READ}
    archive.close()
    for file in (tmp_path / TRUTH_FOLDER).glob("*.sst"):
        for part in range(1, 9):
            if file.stat().st_size > BLOCKS_BYTES:
                flip(file, file.stat().st_size * part // 20)
    damaged = Archive.open_primary(tmp_path)
    try:
        for name in READ:
            with pytest.raises(ArchiveDamagedError, match="cannot be read"):
                damaged.families.read_many(name, keys[name])
            with pytest.raises(ArchiveDamagedError, match="cannot be read"):
                for key in keys[name]:
                    damaged.families.read(name, key)
    finally:
        damaged.close()


def test_a_data_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    """A wrong mount gives an error that names the fault, not a traceback."""
    (tmp_path / "truth").write_text("not a folder")
    with pytest.raises(NovaError, match="truth is a file, but NOVA keeps a folder there"):
        Archive.open_primary(tmp_path)


def damaged_file(path: Path, damage: str) -> None:
    """A file that is gone, cut, or whose footer cannot be read."""
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    else:
        flip(path, path.stat().st_size - 1)


def test_a_reader_makes_no_folder_where_the_archive_is_moved_away_while_it_opens(
    tmp_path: Path, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RocksDB makes the folder that it does not find, and the archive could not be put back."""
    flushed(tmp_path, record)
    truth = tmp_path / TRUTH_FOLDER
    monkeypatch.setattr(Archive, "_refuse_moved", lambda _: truth.rename(tmp_path / "away"))
    with pytest.raises(ArchiveError):
        Archive.open_secondary(tmp_path, tmp_path / "scratch")
    assert not truth.exists()


@pytest.mark.parametrize("damage", ["gone", "cut", "footer"])
def test_a_reader_that_opens_a_damaged_archive_refuses_by_name(
    tmp_path: Path, record: Make, damage: str
) -> None:
    """A RocksDB secondary would leave the file out and answer "0 events"."""
    file = flushed(tmp_path, record)
    damaged_file(file, damage)
    with pytest.raises(ArchiveDamagedError, match=file.name):
        Archive.open_secondary(tmp_path, tmp_path / "scratch")


@pytest.mark.parametrize("damage", ["gone", "cut", "footer"])
def test_a_reader_whose_archive_is_damaged_while_it_runs_becomes_loud(
    archive: Archive, committer: Committer, tmp_path: Path, record: Make, damage: str
) -> None:
    """Open files stay readable; a file that cannot be opened is refused by name, not left out."""
    view = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    committer.add_batch("link", Batch([record(n) for n in range(3_000)]))
    committer.close_commit()
    archive.families["canonical"].flush(True)
    file = max((tmp_path / TRUTH_FOLDER).glob("*.sst"))
    kept = file.read_bytes()
    damaged_file(file, damage)
    for _ in range(2):
        with pytest.raises(ArchiveDamagedError, match=file.name):
            view.catch_up(committer.last_ns)
    view.close()
    file.write_bytes(kept)
    restored = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    assert sum(1 for _ in scan(restored.families["canonical"], *EVERYTHING)) == 3_000
    restored.close()


def test_a_reader_does_not_see_an_archive_end_before_what_is_durable(
    archive: Archive, committer: Committer, tmp_path: Path, record: Make
) -> None:
    """A log that is gone under a running archive looks as if nothing had been written."""
    view = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    wal(tmp_path).unlink()
    committer.add_batch("link", Batch([record(1)]))
    committer.close_commit()
    with pytest.raises(ArchiveDamagedError, match="is durable: a log is missing or damaged"):
        view.catch_up(committer.last_ns)
    view.close()


def test_a_reader_of_an_archive_at_rest_obeys_the_witness(tmp_path: Path, record: Make) -> None:
    """`nova replay` and `nova export` open it so: a cut log was a shorter answer with success."""
    crash, durable = crashed(tmp_path, record)
    wal(crash).write_bytes(wal(crash).read_bytes()[: durable // 2])
    with pytest.raises(ArchiveDamagedError, match=r"event count 0, but witness\.json records 40"):
        Archive.open_secondary(crash, tmp_path / "scratch")


def test_an_archive_without_its_head_is_not_made_anew(tmp_path: Path, record: Make) -> None:
    """RocksDB would make a new one and remove the files of the old."""
    file = flushed(tmp_path, record)
    (tmp_path / TRUTH_FOLDER / "CURRENT").unlink()
    for _ in range(2):
        with pytest.raises(ArchiveDamagedError, match="CURRENT is missing"):
            Archive.open_primary(tmp_path)
        with pytest.raises(ArchiveDamagedError, match="CURRENT is missing"):
            Archive.open_secondary(tmp_path, tmp_path / "scratch")
    assert file.exists()


def rows_of(archive: Archive) -> dict[bytes, bytes]:
    """The catalog, whose rows are written over."""
    return dict(scan(archive.families["catalog"], *EVERYTHING))


def test_readers_follow_while_files_come_and_go(tmp_path: Path, record: Make) -> None:
    """A file that a compaction removed between two looks is no damage; and what a secondary keeps
    in memory never hides what its files hold: counters stayed behind until the next commit.
    """
    archive = Archive.open_primary(tmp_path, memory_bytes=4 * MIB)
    committer = Committer(archive, tmp_path)
    view = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    dice = random.Random(3)
    number = 0
    for turn in range(80):
        count = dice.choice((1, 30, 400))
        committer.add_batch("link", Batch([record(n) for n in range(number, number + count)]))
        committer.close_commit()
        number += count
        for family in archive.families.values():
            if dice.random() < 0.2:
                family.flush(True)
        if turn % 30 == 29:
            archive.families["source"].compact_range(None, None)
            view.close()
            view = Archive.open_secondary(tmp_path, tmp_path / "scratch")
        if dice.random() < 0.5:
            view.catch_up(committer.last_ns)
            assert view.holdings().events == number
            rows = rows_of(archive)
            assert rows_of(view) == rows
            assert view.families.read_many("catalog", list(rows)) == list(rows.values())
    view.close()
    archive.close()


def test_a_writer_opens_while_its_files_are_merged(tmp_path: Path, record: Make) -> None:
    """Compactions begin with the opening: what they have just replaced is no damage."""
    number = 0
    for _ in range(6):
        archive = Archive.open_primary(tmp_path, memory_bytes=4 * MIB)
        committer = Committer(archive, tmp_path)
        assert committer.counters.events == number
        for _ in range(9):
            committer.add_batch("link", Batch([record(n) for n in range(number, number + 40)]))
            committer.close_commit()
            number += 40
            for family in archive.families.values():
                family.flush(True)
        archive.close()


def test_a_flipped_bit_in_the_manifest_is_refused(tmp_path: Path, record: Make) -> None:
    """A secondary of RocksDB waited for ever at some of them."""
    flushed(tmp_path, record)
    (manifest,) = (tmp_path / TRUTH_FOLDER).glob("MANIFEST-*")
    kept = manifest.read_bytes()
    for place in range(0, len(kept), len(kept) // 40):
        flip(manifest, place)
        with pytest.raises(ArchiveDamagedError):
            Archive.open_secondary(tmp_path, tmp_path / "scratch")
        manifest.write_bytes(kept)
    Archive.open_secondary(tmp_path, tmp_path / "scratch").close()
