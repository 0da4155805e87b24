"""The sampler process: follows the archive as a secondary, up to what the witness says is durable,
and makes what is derived from it: samples, and the checkpoints of views.

It needs nobody and nobody waits for it: it runs at the lowest priority, and what it has not reached
a reader reads from the events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from core.checkpoints import following
from core.checkpoints.maker import Maker
from core.reader.view import View
from core.samples.sampler import Sampler
from core.scratch import scratch_folder
from core.store import secondary
from core.store.samples import SampleStore
from core.store.witness import read_witness
from sdk import lifecycle
from sdk.settings import Settings

MEMORY_BYTES = 64 * 1024 * 1024
"""It reads the newest events, once and in order."""

LOOK_INTERVAL_S = 0.5

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
    data = settings.folder()
    async with AsyncExitStack() as stack:
        scratch = stack.enter_context(scratch_folder("sampler"))
        archive = stack.enter_context(secondary.following(data, scratch, MEMORY_BYTES))
        store = SampleStore.open_primary(data)
        stack.callback(store.close)
        yield Sampler(View(archive), store)


async def _follow_both(data: Path, sampler: Sampler, maker: Maker) -> None:
    await asyncio.gather(follow(data, sampler), following.follow(data, maker))


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the sampler until it is told to stop, or until it fails."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.collect_seldom()
    lifecycle.give_way()
    data = settings.folder()
    async with opened(settings) as sampler, following.opened(data) as maker:
        work = asyncio.create_task(_follow_both(data, sampler, maker))
        stopped = asyncio.create_task(stop.wait())
        lifecycle.say_ready("sampler", data=str(settings.folder()))
        log.info("sampler ready")
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if work.done():
            work.result()
        work.cancel()
        await asyncio.wait((work,))
