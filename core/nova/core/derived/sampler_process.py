"""The sampler process: follows the archive as a secondary, up to the durability marker, and
maintains the derived databases: samples, checkpoints of views, and alarms as long as no process of
their own does. It also seals the days that are over (`day_sealer.py`).

No other process depends on it. It runs at the lowest priority; a reader computes from the events
what the sampler has not reached.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nova.core.commit_feed import DERIVED_PAUSE_S
from nova.core.derived import alarm_follower, checkpoint_follower
from nova.core.derived.day_sealer import SealService
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SAMPLER_LIMITS, SamplerLimits
from nova.core.disk_reserve import MIB, NO_RESERVE, DiskReserve
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.metrics.disk_growth import DiskGrowth
from nova.core.metrics.report import report_metrics
from nova.core.query import derived_writer
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.shared_snapshot import SharedSnapshot
from nova.core.query.tail_feed import follow_feed
from nova.core.query.tail_follower import SharedTail
from nova.core.server.submission_client import SubmissionClient
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.sdk import archive_id, endpoints, lifecycle
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError
from nova.sdk.settings import Settings

GONE_EXIT_STATUS = 1

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_sampler(
    settings: Settings, limits: SamplerLimits = SAMPLER_LIMITS
) -> AsyncIterator[Sampler]:
    """A sampler with its archive snapshot and its database."""
    with derived_writer.open_for_writing(settings.data_folder(), SampleStore) as (snapshot, store):
        yield Sampler(snapshot, store, limits)


async def maintain(
    data: Path,
    opened: asyncio.Event,
    served: ArchiveIdentity,
    cursors: DerivedCursors,
    reserve: DiskReserve = NO_RESERVE,
    shared: SharedSnapshot | None = None,
    tail: SharedTail | None = None,
) -> None:
    """Maintain the samples until cancelled, rebuilding them when needed."""
    followed = tail or SharedTail()

    async def sample(view: ArchiveSnapshot, store: SampleStore) -> None:
        sampler = Sampler(view, store)
        cursors.followed["samples"] = lambda: sampler.cursor_ns
        with followed.followed(lambda: sampler.cursor_ns) as follower:
            await derived_writer.follow(
                data, SAMPLES_FOLDER, sampler.sample, reserve, follower=follower
            )

    await derived_writer.maintain(data, SampleStore, sample, opened, served=served, shared=shared)


async def maintain_all(
    settings: Settings, served: ArchiveIdentity, *, hands_over_alarms: bool = False
) -> None:
    """Maintain samples, checkpoints and alarms until cancelled, and report their metrics."""
    data, own_scope = settings.data_folder(), settings.own_scope()
    reserve = DiskReserve(data, settings.reserve_mib * MIB)
    samples, checkpoints, alarms = (asyncio.Event() for _ in range(3))
    shared, tail = SharedSnapshot(data, derived_writer.MEMORY_BYTES), SharedTail()
    cursors, growth = DerivedCursors(), DiskGrowth(data, settings.files_folder())

    async def announce() -> None:
        await samples.wait()
        await checkpoints.wait()
        await alarms.wait()
        lifecycle.print_ready("sampler", data=str(data))
        log.info("sampler ready")

    follow_alarms = (
        alarm_follower.maintain_until_needed if hands_over_alarms else alarm_follower.maintain
    )
    submissions = SubmissionClient(endpoints.writer_socket(data))
    try:
        await asyncio.gather(
            follow_feed(endpoints.writer_socket(data), shared, tail.tail, pause_s=DERIVED_PAUSE_S),
            maintain(data, samples, served, cursors, reserve, shared, tail),
            checkpoint_follower.maintain(data, checkpoints, served, cursors, reserve, shared, tail),
            follow_alarms(data, own_scope, alarms, served, cursors, reserve, shared, tail),
            SealService(data, served, submissions).run(),
            archive_id.watch(data, served),
            announce(),
            growth.run(),
            report_metrics("sampler", data, growth.metrics, cursors.reported),
        )
    finally:
        await submissions.close()


async def serve(
    settings: Settings, *, exit_with_stdin: bool = False, hands_over_alarms: bool = False
) -> None:
    """Run the sampler until a stop signal or a failure. `hands_over_alarms`: a supervisor starts
    the process of the alarms once there are some.
    """
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.prepare_for_batches()
    lifecycle.take_lowest_priority()
    served = archive_id.require_at_start(settings.data_folder(), settings.archive)
    try:
        await lifecycle.run_until_stopped(
            maintain_all(settings, served, hands_over_alarms=hands_over_alarms), stop
        )
    except ArchiveGoneError as error:
        log.error(str(error))
        # Closing its databases would remove files of what is in their place now.
        os._exit(GONE_EXIT_STATUS)
