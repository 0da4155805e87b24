"""Hits of the block cache, as RocksDB counts them for each process."""

from __future__ import annotations

from pathlib import Path

from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch
from tests.core.conftest import Make

MIB = 1024 * 1024


def test_what_is_read_twice_is_in_the_cache_the_second_time(tmp_path: Path, record: Make) -> None:
    """And a secondary counts its own reads, whatever the writer reads."""
    archive = Archive.open_primary(tmp_path, memory_bytes=32 * MIB)
    committer = Committer(archive, tmp_path)
    committer.add_batch("link", Batch([record(number) for number in range(2_000)]))
    committer.close_commit()
    for family in archive.families.values():
        family.flush(True)
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch", 32 * MIB)
    before, of_writer = secondary.cache_figures(), archive.cache_figures()
    assert len(list(secondary.events.scan("canonical"))) == 2_000
    first = secondary.cache_figures()
    assert first.misses > before.misses
    list(secondary.events.scan("canonical"))
    second = secondary.cache_figures()
    assert second.misses == first.misses and second.hits > first.hits
    assert second.used_bytes > before.used_bytes
    assert archive.cache_figures().misses == of_writer.misses
    secondary.close()
    archive.close()
