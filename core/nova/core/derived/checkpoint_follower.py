"""Maintains checkpoints as the archive grows, up to the durability marker, and rebuilds them on
request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.disk_reserve import NO_RESERVE, DiskReserve
from nova.core.metrics.derived_lag import DerivedCursors
from nova.core.query import derived_writer
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.shared_snapshot import SharedSnapshot
from nova.core.query.tail_follower import SharedTail
from nova.core.store.checkpoint_store import CHECKPOINTS_FOLDER, CheckpointStore
from nova.sdk.archive_id import ArchiveIdentity


@asynccontextmanager
async def open_maker(data: Path) -> AsyncIterator[CheckpointMaker]:
    """A maker with its archive snapshot and its database."""
    with derived_writer.open_for_writing(data, CheckpointStore) as (snapshot, store):
        yield CheckpointMaker(snapshot, store)


async def maintain(
    data: Path,
    opened: asyncio.Event,
    served: ArchiveIdentity,
    cursors: DerivedCursors | None = None,
    reserve: DiskReserve = NO_RESERVE,
    shared: SharedSnapshot | None = None,
    tail: SharedTail | None = None,
) -> None:
    """Maintain the checkpoints until cancelled, rebuilding them when needed or requested."""

    followed = tail or SharedTail()

    async def make(view: ArchiveSnapshot, store: CheckpointStore) -> None:
        maker = CheckpointMaker(view, store)
        if cursors is not None:
            cursors.followed["checkpoints"] = lambda: maker.cursor_ns
        with followed.followed(lambda: maker.cursor_ns) as follower:
            await derived_writer.follow(
                data, CHECKPOINTS_FOLDER, maker.make, reserve, follower=follower
            )

    await derived_writer.maintain(data, CheckpointStore, make, opened, served=served, shared=shared)
