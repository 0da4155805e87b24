"""Making a database of derived data beside the archive that it follows from, and making it anew
where it is damaged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from core.errors import ArchiveError, DerivedDamagedError
from core.reader.view import View
from core.scratch import scratch_folder
from core.store.derived import DerivedStore
from core.store.remaking import throw_away
from core.store.secondary import following

MEMORY_BYTES = 64 * 1024 * 1024
"""Whoever derives reads the newest events, once and in order."""

LOCK_WAIT_S = 10.0
"""A maker before this one may be dying still, at the lowest priority."""

LOCK_INTERVAL_S = 0.2
REMADE_PAUSE_S = 1.0
"""Where the disk spoils all that is written, this goes on and is counted, and not at full speed."""

Store = TypeVar("Store", bound=DerivedStore)


@contextmanager
def deriving(data: Path, kind: type[Store]) -> Iterator[tuple[View, Store]]:
    """A view of an archive, and the database that is made of it, open for writing."""
    with (
        scratch_folder(kind.FOLDER) as scratch,
        following(data, scratch, MEMORY_BYTES) as archive,
    ):
        store = kind.open_primary(data)
        try:
            yield View(archive), store
        finally:
            store.close()


async def keep(
    data: Path,
    kind: type[Store],
    follow: Callable[[View, Store], Awaitable[None]],
    opened: asyncio.Event,
    pause_s: float = REMADE_PAUSE_S,
) -> None:
    """Follow for ever. What is found damaged, by this process or by who asks, is thrown away and
    made anew; sets the event once the database is first open.
    """
    started = time.monotonic()
    while True:
        try:
            with deriving(data, kind) as (view, store):
                opened.set()
                await follow(view, store)
        except DerivedDamagedError as error:
            throw_away(data, kind.FOLDER, str(error))
            await asyncio.sleep(pause_s)
        except ArchiveError as error:
            is_waiting = "/LOCK" in str(error) and not opened.is_set()
            if not is_waiting or time.monotonic() - started > LOCK_WAIT_S:
                raise
            await asyncio.sleep(LOCK_INTERVAL_S)
