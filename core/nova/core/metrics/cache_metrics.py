"""The metrics of RocksDB's block cache in one process."""

from __future__ import annotations

from collections.abc import Iterator

from nova.core.store.archive import Archive
from nova.sdk.protocol.metric_messages import Metric, counter, gauge


def cache_metrics(process: str, archive: Archive) -> Iterator[Metric]:
    """How often blocks of an archive were in memory."""
    figures = archive.cache_figures()
    hits = counter("nova_cache_hits_total", "Blocks of the archive that were in RocksDB's cache")
    misses = counter("nova_cache_misses_total", "Blocks of the archive that were read from files")
    used = gauge("nova_cache_bytes", "Memory of RocksDB's cache, with the write buffers")
    yield hits.add(figures.hits, process=process)
    yield misses.add(figures.misses, process=process)
    yield used.add(figures.used_bytes, process=process)
