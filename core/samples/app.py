"""The sampler process: follows the archive as a secondary, up to what the witness says is durable,
and makes what is derived from it: samples, and the checkpoints of views.

It needs nobody and nobody waits for it: it runs at the lowest priority, and what it has not reached
a reader reads from the events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.checkpoints import following
from core.checkpoints.following import LOOK_INTERVAL_S
from core.checkpoints.maker import Maker
from core.reader.deriving import deriving
from core.samples.sampler import Sampler
from core.store.samples import SampleStore
from core.store.witness import read_witness
from sdk import archive_id, lifecycle
from sdk.settings import Settings

log = logging.getLogger(__name__)


async def follow(data: Path, sampler: Sampler) -> None:
    """Sample whatever becomes durable, for ever."""
    while True:
        witness = read_witness(data)
        if witness is not None:
            for _ in sampler.sample(witness.canonical_ns):
                await asyncio.sleep(0)
        await asyncio.sleep(LOOK_INTERVAL_S)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sampler]:
    """A sampler with its view of the archive and its own database."""
    with deriving(settings.folder(), SampleStore) as (view, store):
        yield Sampler(view, store)


async def _follow_both(settings: Settings, sampler: Sampler, maker: Maker) -> None:
    data = settings.folder()
    served = settings.archive or archive_id.read(data)
    await asyncio.gather(
        follow(data, sampler), following.follow(data, maker), archive_id.watch(data, served)
    )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the sampler until it is told to stop, or until it fails."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.collect_seldom()
    lifecycle.give_way()
    data = settings.folder()
    archive_id.require(data, settings.archive)
    async with opened(settings) as sampler, following.opened(data) as maker:
        lifecycle.say_ready("sampler", data=str(settings.folder()))
        log.info("sampler ready")
        await lifecycle.until_stopped(_follow_both(settings, sampler, maker), stop)
