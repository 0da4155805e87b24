"""What passes from stage to stage of the writer's pipeline."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from nova.core.commit_feed import CommitFrame
from nova.core.store.durability_marker import DurabilityMarker
from nova.core.writer import commit_queue
from nova.core.writer.columns import BatchColumns
from nova.sdk.transport.base import Batch, Receipt, Transport


class ConsumedBatch(NamedTuple):
    """A consumed batch and its transport."""

    transport: Transport
    batch: Batch


class CheckingGroup(NamedTuple):
    """Batches that are being checked, and the future of their columns."""

    batches: list[ConsumedBatch]
    columns: asyncio.Future[list[BatchColumns]]


class UnsyncedGroup(NamedTuple):
    """A group that is written but not durable yet."""

    acknowledgements: list[tuple[Transport, Batch, Receipt]]
    commits: list[CommitFrame]
    marker: DurabilityMarker
    writes: commit_queue.QueuedWrites
