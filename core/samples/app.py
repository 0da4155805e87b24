"""The sampler process: follows the archive as a secondary, up to the durability marker, and
maintains the derived databases: samples, and checkpoints of views.

No other process depends on it. It runs at the lowest priority; a reader computes from the events
what the sampler has not reached.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.checkpoints import following
from core.checkpoints.following import LOOK_INTERVAL_S
from core.reader import deriving
from core.reader.view import View
from core.samples.sampler import Sampler
from core.store.remaking import refuse_asked
from core.store.samples import SAMPLES_FOLDER, SampleStore
from core.store.witness import read_witness
from sdk import archive_id, lifecycle
from sdk.archive_id import Served
from sdk.settings import Settings

log = logging.getLogger(__name__)


async def follow(data: Path, sampler: Sampler) -> None:
    """Sample durable events until cancelled; raises DerivedDamagedError if the samples must be
    rebuilt.
    """
    while True:
        refuse_asked(data, SAMPLES_FOLDER)
        witness = read_witness(data)
        if witness is not None:
            for _ in sampler.sample(witness.canonical_ns):
                await asyncio.sleep(0)
                refuse_asked(data, SAMPLES_FOLDER)
        await asyncio.sleep(LOOK_INTERVAL_S)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Sampler]:
    """A sampler with its archive snapshot and its database."""
    with deriving.deriving(settings.folder(), SampleStore) as (snapshot, store):
        yield Sampler(snapshot, store)


async def keep(data: Path, opened: asyncio.Event) -> None:
    """Maintain the samples until cancelled, rebuilding them when needed."""

    async def sample(view: View, store: SampleStore) -> None:
        await follow(data, Sampler(view, store))

    await deriving.keep(data, SampleStore, sample, opened)


async def _keep_all(settings: Settings, served: Served) -> None:
    data = settings.folder()
    samples, checkpoints = asyncio.Event(), asyncio.Event()

    async def announce() -> None:
        await samples.wait()
        await checkpoints.wait()
        lifecycle.say_ready("sampler", data=str(data))
        log.info("sampler ready")

    await asyncio.gather(
        keep(data, samples),
        following.keep(data, checkpoints),
        archive_id.watch(data, served),
        announce(),
    )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Run the sampler until a stop signal or a failure."""
    stop = lifecycle.stop_event(exit_with_stdin)
    lifecycle.collect_seldom()
    lifecycle.give_way()
    served = archive_id.require_at_start(settings.folder(), settings.archive)
    await lifecycle.until_stopped(_keep_all(settings, served), stop)
