"""The process that judges alarms: follows the archive as a secondary, up to the durability marker.

Nothing waits for it but people, so it has the priority of the others and not that of the sampler.
No other process depends on it.
"""

from __future__ import annotations

import asyncio
import logging
import os

from nova.core.derived import alarm_follower
from nova.core.disk_reserve import MIB, DiskReserve
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.metrics.report import report_metrics
from nova.core.query import derived_writer
from nova.core.query.shared_snapshot import SharedSnapshot
from nova.core.query.tail_feed import follow_feed
from nova.core.query.tail_follower import SharedTail
from nova.sdk import archive_id, endpoints, lifecycle
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError
from nova.sdk.settings import Settings

GONE_EXIT_STATUS = 1

log = logging.getLogger(__name__)


async def judge(settings: Settings, served: ArchiveIdentity) -> None:
    """Judge alarms until cancelled, and report metrics."""
    data = settings.data_folder()
    reserve = DiskReserve(data, settings.reserve_mib * MIB)
    cursors, opened = DerivedCursors(), asyncio.Event()
    shared, tail = SharedSnapshot(data, derived_writer.MEMORY_BYTES), SharedTail()

    async def announce() -> None:
        await opened.wait()
        lifecycle.print_ready("alarms", data=str(data))
        log.info("alarms ready")

    await asyncio.gather(
        follow_feed(endpoints.writer_socket(data), shared, tail.tail),
        alarm_follower.maintain(
            data, settings.own_scope(), opened, served, cursors, reserve, shared, tail
        ),
        archive_id.watch(data, served),
        announce(),
        report_metrics("alarms", data, list, cursors.reported),
    )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Judge alarms until a stop signal or a failure."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.prepare_for_batches()
    served = archive_id.require_at_start(settings.data_folder(), settings.archive)
    try:
        await lifecycle.run_until_stopped(judge(settings, served), stop)
    except ArchiveGoneError as error:
        log.error(str(error))
        # Closing its database would remove files of what is in its place now.
        os._exit(GONE_EXIT_STATUS)
