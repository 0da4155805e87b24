"""Maintains checkpoints as the archive grows, up to the durability marker, and rebuilds them on
request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.checkpoints.maker import Maker
from core.reader import deriving
from core.reader.view import View
from core.store.checkpoints import CHECKPOINTS_FOLDER, CheckpointStore
from core.store.remaking import refuse_asked
from core.store.witness import read_witness

LOOK_INTERVAL_S = 0.5


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Maker]:
    """A maker with its archive snapshot and its database."""
    with deriving.deriving(data, CheckpointStore) as (snapshot, store):
        yield Maker(snapshot, store)


async def follow(data: Path, maker: Maker) -> None:
    """Fold durable updates until cancelled; raises DerivedDamagedError if the checkpoints must be
    rebuilt.
    """
    while True:
        refuse_asked(data, CHECKPOINTS_FOLDER)
        witness = read_witness(data)
        if witness is not None:
            for _ in maker.make(witness.canonical_ns):
                await asyncio.sleep(0)
                refuse_asked(data, CHECKPOINTS_FOLDER)
        await asyncio.sleep(LOOK_INTERVAL_S)


async def keep(data: Path, opened: asyncio.Event) -> None:
    """Maintain the checkpoints until cancelled, rebuilding them when needed or requested."""

    async def make(view: View, store: CheckpointStore) -> None:
        await follow(data, Maker(view, store))

    await deriving.keep(data, CheckpointStore, make, opened)
