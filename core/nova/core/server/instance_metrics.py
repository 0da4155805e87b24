"""All metrics of the Core: its archive and links, and what each of its processes reports."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from nova.core.errors import ArchiveError
from nova.core.metrics.cache_metrics import cache_metrics
from nova.core.metrics.derived_lag import lag_metrics
from nova.core.server import instance_status
from nova.core.server.services import Services
from nova.core.server.status_metrics import status_metrics
from nova.sdk import timestamps
from nova.sdk.process_metrics import process_metrics
from nova.sdk.protocol.metric_messages import Metric, gauge, merged

log = logging.getLogger(__name__)


def metrics(services: Services) -> list[Metric]:
    """The metrics of every process of the Core that runs."""
    if not services.links.writer_connected:  # Also one that hangs, before its last report is old.
        services.other_metrics.forget("writer")
    up = gauge("nova_up", "1 while a process runs and reports, 0 while it does not")
    return merged(
        [
            up.add(1, process="reader"),
            *process_metrics("reader"),
            *_archive(services),
            *_disk(services.settings.data_folder()),
            *services.exports.metrics(),
            *services.metrics.metrics(),
            *services.other_metrics.metrics(),
        ]
    )


def _archive(services: Services) -> Iterator[Metric]:
    """Nothing of an archive that cannot be read; the other metrics are wanted then most."""
    try:
        status = instance_status.status(
            services.snapshot,
            services.settings,
            services.links,
            services.submissions,
            services.processes,
        )
    except ArchiveError as error:
        log.error("no metrics of the archive", extra={"context": {"error": str(error)}})
        return
    yield from status_metrics(status)
    yield from cache_metrics("reader", services.snapshot.archive)
    yield from _derived(services)


def _derived(services: Services) -> Iterator[Metric]:
    """Nothing of what an archive lacks that cannot be read now."""
    try:
        services.snapshot.refresh()
        cursors = services.other_metrics.cursors()
        yield from lag_metrics(services.snapshot, cursors, timestamps.now())
    except ArchiveError as error:
        log.error("no metrics of derived data", extra={"context": {"error": str(error)}})


def _disk(data: Path) -> Iterator[Metric]:
    disk = os.statvfs(data)
    free = gauge("nova_disk_free_bytes", "Free bytes of the disk of the data folder")
    yield free.add(disk.f_bavail * disk.f_frsize)
    size = gauge("nova_disk_size_bytes", "Size of the disk of the data folder")
    yield size.add(disk.f_blocks * disk.f_frsize)
