"""A derived database is opened with its snapshot, and closed without leftovers."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Self

import pytest

from nova.core.errors import ArchiveBusyError, ArchiveError, DerivedDamagedError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_writer import maintain, open_for_writing
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.rebuild_request import read_rebuild_record, request_rebuild
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.sdk import archive_id
from nova.sdk.archive_id import ANY_ARCHIVE
from nova.sdk.errors import ArchiveGoneError


def test_both_are_open_for_the_block_and_closed_with_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alone may write a RocksDB: a second block can begin only once the first has let go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    archive = Archive.open_primary(data)
    try:
        for _ in range(2):
            with open_for_writing(data, SampleStore) as (view, store):
                assert view.archive.events.first_key() == b""
                assert store.state() is None
                assert len(list(tmp_path.iterdir())) == 1
            assert list(tmp_path.iterdir()) == []
    finally:
        archive.close()
    assert (data / SAMPLES_FOLDER / "CURRENT").exists()


async def test_nothing_is_made_where_the_archive_was(data: Path) -> None:
    """Behind an unmounted disk lies an empty folder; damage that is found then is its absence."""
    archive = Archive.open_primary(data)
    away = data.with_name("away")

    async def follow(_snapshot: ArchiveSnapshot, _store: SampleStore) -> None:
        data.rename(away)
        data.mkdir()
        raise DerivedDamagedError("a file is missing")

    served = archive_id.require(data, ANY_ARCHIVE)
    with pytest.raises(ArchiveGoneError, match="holds no archive"):
        await maintain(data, SampleStore, follow, asyncio.Event(), served=served)
    assert list(data.iterdir()) == []
    data.rmdir()
    away.rename(data)
    archive.close()


async def test_a_busy_archive_is_opened_again(data: Path) -> None:
    """Under ingest and frequent flushes the sampler ended with an error."""
    archive = Archive.open_primary(data)
    ensure_id(archive, data)
    served = archive_id.require(data, ANY_ARCHIVE)
    works = 0

    class Followed(BaseException):
        """The end of the test's work."""

    async def follow(_view: ArchiveSnapshot, _store: SampleStore) -> None:
        nonlocal works
        works += 1
        if works < 3:
            raise ArchiveBusyError("its files changed in every look")
        raise Followed

    with pytest.raises(Followed):
        await maintain(data, SampleStore, follow, asyncio.Event(), served=served, pause_s=0.01)
    assert works == 3
    assert read_rebuild_record(data).count == 0
    archive.close()


def test_a_database_that_was_made_where_the_archive_was_is_removed(data: Path) -> None:
    """RocksDB opens by path: an archive that is moved away meanwhile leaves an empty folder."""
    archive = Archive.open_primary(data)
    away = data.with_name("away")

    class Moved(SampleStore):
        @classmethod
        def open_primary(cls, data: Path) -> Self:
            data.rename(away)
            data.mkdir()
            request_rebuild(data, SAMPLES_FOLDER, "a file is missing")
            return super().open_primary(data)

    with pytest.raises(ArchiveGoneError), open_for_writing(data, Moved):
        pass
    assert list(data.iterdir()) == []
    data.rmdir()
    away.rename(data)
    archive.close()


class Exchange:
    """Two data folders with an archive each; the second has samples, and can take the place of the
    first.
    """

    def __init__(self, data: Path) -> None:
        self.data, self._away = data, data / "away"
        self._other = data / "other"
        for folder in (self.data / "one", self._other):
            archive = Archive.open_primary(folder)
            ensure_id(archive, folder)
            archive.close()
        self.here = self.data / "one"
        self.served = archive_id.require(self.here, ANY_ARCHIVE)
        store = SampleStore.open_primary(self._other)
        store.write([(b"kept", b"of the other")])
        store.close()

    def exchange(self) -> None:
        """Put the other archive where the first one was."""
        self.here.rename(self._away)
        self._other.rename(self.here)

    def files(self) -> dict[str, bytes]:
        """The files of the samples that are there."""
        return {path.name: path.read_bytes() for path in (self.here / SAMPLES_FOLDER).iterdir()}

    def kept(self) -> list[bytes]:
        """What the samples of the other archive hold."""
        store = SampleStore.open_primary(self.here)
        try:
            return [value for _, value in store.all_rows()]
        finally:
            store.close()


async def test_nothing_of_another_archive_is_removed(data: Path) -> None:
    """Its samples were thrown away for the damage of those that were there before."""
    two = Exchange(data)
    before: dict[str, bytes] = {}

    async def follow(_snapshot: ArchiveSnapshot, _store: SampleStore) -> None:
        two.exchange()
        before.update(two.files())
        raise DerivedDamagedError("a file is missing")

    with pytest.raises(ArchiveGoneError, match=r"but .* holds archive"):
        async with asyncio.timeout(20):
            await maintain(two.here, SampleStore, follow, asyncio.Event(), served=two.served)
    assert read_rebuild_record(two.here).count == 0
    # What was open stays so: RocksDB would remove files by their names when it is closed.
    assert two.files() == before


def test_nothing_is_written_into_what_another_archive_has(data: Path) -> None:
    """It came while the database opened, which then was its own."""
    two = Exchange(data)

    class Exchanged(SampleStore):
        @classmethod
        def open_primary(cls, data: Path) -> Self:
            two.exchange()
            return super().open_primary(data)

    with pytest.raises(ArchiveGoneError), open_for_writing(two.here, Exchanged):
        raise AssertionError("open for writing")
    with pytest.raises(ArchiveGoneError), open_for_writing(two.here, SampleStore, two.served):
        raise AssertionError("open for writing")
    assert two.kept() == [b"of the other"]


def test_an_archive_of_another_layout_is_refused(data: Path) -> None:
    """Pitfalls row 36: before anything is derived of it."""
    archive = Archive.open_primary(data)
    try:
        batch = archive.batch()
        batch.put_record(b"schema/version", b"999")
        archive.write(batch)
        with pytest.raises(ArchiveError, match="layout"), open_for_writing(data, SampleStore):
            pass
    finally:
        archive.close()
    assert not (data / SAMPLES_FOLDER).exists()
