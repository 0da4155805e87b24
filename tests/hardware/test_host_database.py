"""The database of a host: work in the order in which it is given, bursts in few commits."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from nova.hardware.host_database import HostDatabase


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[HostDatabase]:
    """A database that is closed at the end."""
    database = HostDatabase(folder)
    try:
        yield database
    finally:
        database.close()


async def test_work_is_done_in_the_order_in_which_it_is_given(tmp_path: Path) -> None:
    """Also what needs no sync, while something that does is waiting or being done."""
    done: list[int] = []

    def note(number: int, _: sqlite3.Connection) -> None:
        done.append(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # The thread is interrupted anywhere.
    try:
        async with opened(tmp_path) as database:
            for turn in range(300):
                done.clear()
                first = asyncio.create_task(database.run(partial(note, 0), is_synced=True))
                await asyncio.sleep(0)
                for _ in range(turn):
                    pass
                await asyncio.gather(first, database.run(partial(note, 1)))
                assert done == [0, 1], turn
    finally:
        sys.setswitchinterval(before)


async def test_a_burst_is_few_commits(tmp_path: Path) -> None:
    """So it costs few syncs, however many wait for one."""
    statements: list[str] = []

    def slow(_: sqlite3.Connection) -> None:
        time.sleep(0.1)

    def nothing(_: sqlite3.Connection) -> None:
        """Only its commit counts."""

    async with opened(tmp_path) as database:
        database.call(lambda db: db.set_trace_callback(statements.append))
        statements.clear()
        await asyncio.gather(
            *(database.run(work, is_synced=True) for work in [slow, *[nothing] * 50])
        )
        assert statements.count("COMMIT") <= 3
        database.call(lambda db: db.set_trace_callback(None))


async def test_what_fails_in_a_burst_fails_alone(tmp_path: Path) -> None:
    """The rest of its transaction is committed without it."""

    def store(name: str, db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO outbox (link, kind, crc32) VALUES (?, 'x', 0)", (name,))

    async with opened(tmp_path) as database:
        jobs = [database.run(partial(store, name), is_synced=True) for name in "abacd"]
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [isinstance(one, OSError) for one in results] == [False, False, True, False, False]
        found = database.call(lambda db: db.execute("SELECT link FROM outbox").fetchall())
        assert sorted(found) == [("a",), ("b",), ("c",), ("d",)]


async def test_a_cancelled_caller_is_told_after_its_work_is_done(tmp_path: Path) -> None:
    """It is there then; and if it failed, the error is the cause."""

    def store(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO outbox (link, kind, crc32) VALUES ('a', 'x', 0)")

    async with opened(tmp_path) as database:
        for is_second in (False, True):
            task = asyncio.create_task(database.run(store, is_synced=True))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert database.call(lambda db: db.execute("SELECT link FROM outbox").fetchall())
            assert isinstance(caught.value.__cause__, OSError) == is_second
