"""The stages of a commit, in the order in which they run.

Each stage gets what is to be committed and the open commit, changes neither, and returns what it
adds to the commit. Its own members, if any, are caches of the archive, and the clock that assigns
canonical times.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nova.core.store.archive import Archive
from nova.core.writer.additions import Additions
from nova.core.writer.commit import Commit
from nova.core.writer.delivered_batch import DeliveredBatch
from nova.core.writer.new_events import NewEvents, StampedEvents
from nova.core.writer.stages.command_requests import record_requests
from nova.core.writer.stages.dedupe import Dedupe
from nova.core.writer.stages.driver_bindings import DriverBindings
from nova.core.writer.stages.driver_selections import record_selections
from nova.core.writer.stages.link_counts import LinkCounts
from nova.core.writer.stages.link_positions import advance_positions
from nova.core.writer.stages.link_routes import LinkRoutes
from nova.core.writer.stages.orphan_feedback import count_orphans
from nova.core.writer.stages.reject_log import RejectLog
from nova.core.writer.stages.rollups import count_rollups
from nova.core.writer.stages.stamp import Stamp
from nova.core.writer.writer_state import WriterState
from nova.sdk.drivers.registry import DriverRegistry

EventStage = Callable[[NewEvents, Commit], tuple[NewEvents, Additions]]
PartStage = Callable[[StampedEvents, Commit], Additions]
DeliveryStage = Callable[[DeliveredBatch, Commit], Additions]


class Stages(NamedTuple):
    """First the events of a batch, then each part of them that fits into one commit, then the batch
    itself.
    """

    dedupe: Dedupe
    before_stamp: Sequence[EventStage]
    stamp: Stamp
    of_part: Sequence[PartStage]
    of_delivery: Sequence[DeliveryStage]


def stages(
    archive: Archive, state: WriterState, routes: LinkRoutes, registry: DriverRegistry | None
) -> Stages:
    """The stages of a writer. Without a registry it binds no drivers."""
    bindings = DriverBindings(archive, state, registry) if registry else None
    return Stages(
        dedupe=Dedupe(archive),
        before_stamp=(bindings,) if bindings else (),
        stamp=Stamp(state.clock),
        of_part=(count_rollups, record_selections, record_requests, count_orphans),
        # Positions are last: after a crash in the middle of a batch that was split, the batch is
        # consumed again, and what is stored of it is deduplicated.
        of_delivery=(RejectLog(state.clock), routes, LinkCounts(state.clock), advance_positions),
    )
