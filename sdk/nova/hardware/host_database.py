"""Access to a host's database: one connection, used by one thread at a time.

What is committed survives the death of the process, and costs a write to the system's cache. So the
caller's thread does it, unless the connection is in use. What waits for a disk is done in a thread
of the database: transactions that are to survive a power cut too (`is_synced`), such as the start
of a command, and checkpoints. Work that is waiting for that thread becomes one transaction, so that
a burst costs one sync.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar, cast

from nova.hardware import state_rows
from nova.hardware.damage import is_damage, is_full_by_damage
from nova.hardware.database_file import FILE_NAME, open_database, set_aside
from nova.hardware.former_files import take_over
from nova.sdk.errors import NovaError

COMMIT_MAX_JOBS = 100
FREE_MAX_PAGES = 2_048
"""Pages of 4 KiB that the file keeps for reuse; more are given back to the disk."""
FREED_PAGES = 4_096
CHECKPOINT_BYTES = 8 * 1024 * 1024
"""About the size of the write-ahead log that is copied into the file."""
COMMIT_BYTES = 16 * 1024
"""What a commit adds to that log beside its content, about: four pages."""
_ERRNO = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
}

ResultT = TypeVar("ResultT")
Work = Callable[[sqlite3.Connection], ResultT]
"""Runs statements within a transaction; it may be run again, so it has no other effects."""


class _DatabaseJob:
    """Work with its future result."""

    def __init__(self, work: Work[Any], is_synced: bool = False, size_bytes: int = 0) -> None:
        self.work = work
        self.is_synced = is_synced
        self.size_bytes = size_bytes
        self.result: Future[Any] = Future()
        self.result.set_running_or_notify_cancel()  # It is done whoever still waits for it.


class HostDatabase:
    """The database of the host that holds its folder's lock."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._db, self._mark = open_database(folder)
        try:
            take_over(self._db, folder)
        except BaseException:
            self._close()
            raise
        self._is_synced = False
        self._log_bytes = 0
        self._damage: NovaError | None = None
        self._damaged: Future[None] = Future()
        self._jobs: SimpleQueue[_DatabaseJob | None] = SimpleQueue()
        self._waiting = 0
        """Jobs that are not committed; work is never done before what was given earlier."""
        self._counting = Lock()
        self._using = Lock()
        self._thread = Thread(target=self._work, name="host database", daemon=True)
        self._thread.start()

    # --- for callers ------------------------------------------------------------------------------

    async def run(
        self, work: Work[ResultT], *, is_synced: bool = False, size_bytes: int = 0
    ) -> ResultT:
        """The result of work that is committed, and synced if `is_synced`; `size_bytes` is what it
        stores or deletes. Raises OSError if it cannot be committed now, NovaError if the database
        is damaged. A cancelled caller gets its CancelledError when the work is done, with the error
        as its cause if it failed.
        """
        if not is_synced and self._take():
            return self._do(work, size_bytes)
        job = self._submit(_DatabaseJob(work, is_synced, size_bytes))
        future = asyncio.wrap_future(job.result)
        if await completed(future):
            raise asyncio.CancelledError from future.exception()
        result: ResultT = future.result()
        return result

    def call(self, work: Work[ResultT]) -> ResultT:
        """As `run`, blocking: for what a host reads before it begins."""
        if self._take():
            return self._do(work, 0)
        job = self._submit(_DatabaseJob(work))
        result: ResultT = job.result.result()
        return result

    async def watch(self) -> None:
        """Wait until the database is found to be damaged; raises the NovaError."""
        await asyncio.shield(asyncio.wrap_future(self._damaged))

    def close(self) -> None:
        """Finish what was submitted and close the file."""
        self._jobs.put(None)
        self._thread.join()

    def _take(self) -> bool:
        """Take the connection if nothing is being done, and nothing waits for it."""
        return not self._waiting and self._using.acquire(blocking=False)

    def _submit(self, job: _DatabaseJob) -> _DatabaseJob:
        with self._counting:
            self._waiting += 1
        self._jobs.put(job)
        return job

    def _do(self, work: Work[ResultT], size_bytes: int) -> ResultT:
        """Do work with the connection that was taken, and release that."""
        try:
            if self._damage is not None:
                raise self._damage
            (result,) = self._transaction([work], False, size_bytes)
            return cast(ResultT, result)
        except Exception as error:
            if (problem := self._problem(error)) is error:
                raise
            raise problem from error
        finally:
            self._using.release()
            if self._log_bytes > CHECKPOINT_BYTES:
                self._submit(_DatabaseJob(_nothing))

    # --- in the thread ----------------------------------------------------------------------------

    def _work(self) -> None:
        is_open = True
        while is_open:
            jobs = [self._jobs.get()]
            with contextlib.suppress(Empty):
                while len(jobs) < COMMIT_MAX_JOBS:
                    jobs.append(self._jobs.get_nowait())
            is_open = None not in jobs
            with self._using:
                given = [job for job in jobs if job is not None]
                self._commit(given)
                with self._counting:
                    self._waiting -= len(given)
                if self._log_bytes > CHECKPOINT_BYTES and self._damage is None:
                    self._checkpoint()
        self._close()

    def _close(self) -> None:
        self._db.close()
        self._mark.close()

    def _checkpoint(self) -> None:
        """Copy the write-ahead log into the file, and shrink that a little if an outage has left
        much of it unused.
        """
        self._log_bytes = 0
        with contextlib.suppress(sqlite3.Error):  # On a full disk the next time will do.
            self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
            if free > FREE_MAX_PAGES:
                # As a script, since `execute` stops after the first page.
                self._db.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")

    def _commit(self, jobs: Sequence[_DatabaseJob]) -> None:
        if self._damage is not None:
            for job in jobs:
                job.result.set_exception(self._damage)
            return
        try:
            is_synced = any(job.is_synced for job in jobs)
            size_bytes = sum(job.size_bytes for job in jobs)
            results = self._transaction([job.work for job in jobs], is_synced, size_bytes)
        except Exception as error:  # Each waiting caller gets it, whatever it is.
            self._fail(jobs, error)
            return
        for job, result in zip(jobs, results, strict=True):
            job.result.set_result(result)

    def _transaction(
        self, works: Sequence[Work[Any]], is_synced: bool, size_bytes: int
    ) -> list[Any]:
        if is_synced != self._is_synced:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'NORMAL'}")
            self._is_synced = is_synced
        changes = self._db.total_changes
        self._db.execute("BEGIN IMMEDIATE")
        try:
            results = [work(self._db) for work in works]
            is_changed = self._db.total_changes != changes
            if is_changed:
                state_rows.store(self._db, state_rows.COMMITS, self._mark.commits + 1)
            self._db.execute("COMMIT")
            self._log_bytes += COMMIT_BYTES + size_bytes
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        if is_changed:
            self._mark.advance(is_synced=is_synced)
        return results

    def _fail(self, jobs: Sequence[_DatabaseJob], error: Exception) -> None:
        if len(jobs) > 1 and not is_damage(error):
            # A full disk may have room for some of them.
            for job in jobs:
                self._commit([job])
            return
        problem = self._problem(error)
        for job in jobs:
            job.result.set_exception(problem)

    def _problem(self, error: Exception) -> Exception:
        """What an error is for callers; if the file is damaged, it is set aside."""
        if error is self._damage:
            return error
        if is_damage(error) or is_full_by_damage(error, self._db, self._path):
            return self._stop(str(error))
        if not isinstance(error, sqlite3.Error):
            return error
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return OSError(_ERRNO.get(code, errno.EIO), str(error), str(self._path))

    def _stop(self, reason: str) -> NovaError:
        """Set the damaged file aside and let everyone know; the next host begins a new one."""
        self._db.close()
        try:
            kept = set_aside(self._path, reason)
            words = f"and was set aside as {kept.name}: start the host again to begin a new one"
        except OSError as error:
            words = f"and cannot be set aside ({error}): move it away, with the files beside it"
        self._damage = NovaError(f"{self._path} is damaged ({reason}) {words}")
        self._damaged.set_exception(self._damage)
        return self._damage


def _nothing(_: sqlite3.Connection) -> None:
    """Work that only wakes the thread."""


async def completed(future: asyncio.Future[Any]) -> bool:
    """Wait until a future is done, also if cancelled meanwhile; returns whether that happened."""
    is_cancelled = False
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError:
            is_cancelled = True
    return is_cancelled
