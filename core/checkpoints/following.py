"""Keeping checkpoints as the archive grows: up to what the witness says is durable, and anew when
somebody asks for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from core.checkpoints.maker import Maker
from core.reader.deriving import deriving
from core.store.checkpoints import CheckpointStore
from core.store.witness import read_witness

LOOK_INTERVAL_S = 0.5
REBUILD_FILE = "checkpoints.rebuild"
"""In the data folder: its being there asks for all checkpoints to be made anew."""


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Maker]:
    """A maker with its view of the archive and its own database."""
    with deriving(data, CheckpointStore) as (view, store):
        yield Maker(view, store)


async def follow(data: Path, maker: Maker) -> None:
    """Make the checkpoints of whatever becomes durable, for ever."""
    asked = data / REBUILD_FILE
    while True:
        if asked.exists():
            maker.start_anew()
            # Only now, so that a maker that is killed before is asked again.
            with contextlib.suppress(FileNotFoundError):
                asked.unlink()
        witness = read_witness(data)
        if witness is not None:
            for _ in maker.make(witness.canonical_ns):
                await asyncio.sleep(0)
                if asked.exists():
                    break
        await asyncio.sleep(LOOK_INTERVAL_S)
