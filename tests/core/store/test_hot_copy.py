"""A copy of a running archive is whole, a prefix of what is written, and changes nothing."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import read_marker, write_marker
from nova.core.store.hot_copy import COPY_FOLDER, hot_copy
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]

BATCHES = 80
COPIES = 8


def written(data: Path, record: Make, batches: int, after: Callable[[Archive, int], None]) -> None:
    """Write batches durably, and call `after` with the number of each."""
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    for number in range(batches):
        events = [record(number * 20 + n) for n in range(20)]
        committer.add_batch("link", Batch(events))
        committer.close_commit()
        archive.sync()
        write_marker(data, committer.marker())
        after(archive, number)
    archive.close()


def ids(archive: Archive) -> list[bytes]:
    return [stored[:80] for _, stored in archive.events.scan("canonical")]


def logs(data: Path) -> list[Path]:
    return sorted((data / "truth").glob("*.log"))


def test_copies_of_a_running_archive_are_prefixes(tmp_path: Path, record: Make) -> None:
    """A-299: while logs are rotated and files flushed and merged, each copy proves complete and
    holds at least what was durable when it was begun.
    """
    data = tmp_path / "data"
    begun = threading.Event()
    copies: list[list[bytes]] = []

    def until_copied(count: int) -> None:
        deadline = time.monotonic() + 60
        while len(copies) < count and time.monotonic() < deadline:
            time.sleep(0.01)

    def flush(archive: Archive, number: int) -> None:
        begun.set()
        if number in (BATCHES // 3, 2 * BATCHES // 3):
            until_copied(len(copies) + 2)  # The second is begun after this.
        if number % 3 == 0:
            archive.families["series_source"].flush()
        if number % 7 == 0:
            archive.flush()

    writing = threading.Thread(target=written, args=(data, record, BATCHES, flush))
    writing.start()
    assert begun.wait(60)
    while writing.is_alive() or len(copies) < COPIES:
        marker = read_marker(data)
        assert marker is not None
        with hot_copy(data) as copy:
            copies.append(ids(copy.archive))
            assert len(copies[-1]) == copy.archive.holdings().events >= marker.events
            assert all(file.path.stat().st_size == file.size for file in copy.files)
    writing.join()
    assert len({len(found) for found in copies}) > 2
    for found in copies:
        assert found == copies[-1][: len(found)]
    assert not list(data.glob(f"nova-{COPY_FOLDER}-*"))


@pytest.fixture
def crash(tmp_path: Path, record: Make) -> Path:
    """An archive of 200 events at a power cut: 60 of them durable by the marker, and two logs, the
    second begun for a file that does not count yet.
    """
    live, data = tmp_path / "live", tmp_path / "crash"
    manifest = b""

    def note(archive: Archive, number: int) -> None:
        nonlocal manifest
        if number == 2:
            shutil.copy(live / "witness.json", tmp_path / "marker")
        if number == 6:
            manifest = next((live / "truth").glob("MANIFEST-*")).read_bytes()
            archive.families["series_source"].flush()  # begins another log
        if number == 9:
            shutil.copytree(live, data)
            shutil.copy(tmp_path / "marker", data / "witness.json")
            next((data / "truth").glob("MANIFEST-*")).write_bytes(manifest)

    written(live, record, 10, note)
    assert len(logs(data)) == 2
    return data


def test_the_torn_end_of_a_log_is_left_out(crash: Path) -> None:
    """What was acknowledged after the last marker is in the copy; the archive stays as it is."""
    path = logs(crash)[-1]
    path.write_bytes(path.read_bytes()[:-5])
    before = {path: path.read_bytes() for path in (crash / "truth").iterdir()}
    with hot_copy(crash) as copy:
        assert len(ids(copy.archive)) == 180
    assert {path: path.read_bytes() for path in (crash / "truth").iterdir()} == before


def test_the_log_of_the_archive_is_never_cut(crash: Path) -> None:
    """The older log of the copy is a link to that of the archive, and here it ends in garbage."""
    path = logs(crash)[0]
    path.write_bytes(path.read_bytes()[:-5] + b"\xff" * 5)
    before = {path: path.read_bytes() for path in (crash / "truth").iterdir()}
    with hot_copy(crash) as copy:
        assert 60 <= len(ids(copy.archive)) < 200
    assert {path: path.read_bytes() for path in (crash / "truth").iterdir()} == before


def test_an_archive_that_lost_durable_events_is_not_copied(crash: Path) -> None:
    path = logs(crash)[0]
    path.write_bytes(path.read_bytes()[:2_000])
    with pytest.raises(ArchiveDamagedError, match=re.escape(str(crash / "truth"))), hot_copy(crash):
        pass
