"""Keeping checkpoints as the archive grows: up to what the witness says is durable, and anew when
somebody asks for it.
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
    """A maker with its view of the archive and its own database."""
    with deriving.deriving(data, CheckpointStore) as (view, store):
        yield Maker(view, store)


async def follow(data: Path, maker: Maker) -> None:
    """Make the checkpoints of whatever becomes durable, for ever; raises DerivedDamagedError when
    they are to be made anew.
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
    """Keep the checkpoints for ever, made anew whenever that is needed or asked for."""

    async def make(view: View, store: CheckpointStore) -> None:
        await follow(data, Maker(view, store))

    await deriving.keep(data, CheckpointStore, make, opened)
