"""What derives has its view and its database, and leaves nothing open or behind."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Self

import pytest

from nova.core.errors import ArchiveError, DerivedDamagedError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_writer import maintain, open_for_writing
from nova.core.store.archive import Archive
from nova.core.store.rebuild_request import request_rebuild
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
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

    with pytest.raises(ArchiveGoneError, match="no archive any more"):
        await maintain(data, SampleStore, follow, asyncio.Event())
    assert list(data.iterdir()) == []
    data.rmdir()
    away.rename(data)
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
