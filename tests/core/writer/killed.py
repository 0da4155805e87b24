"""A writer that kills itself at its n-th step: before or after a write, a sync, or a dispatch.

Steps are counted from the first submission on. Step 0 is a writer that lives. Its process is forked
from one that has imported all of it, which is most of what a start costs.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from nova.core.store.archive import Archive
from nova.core.store.write_batch import ArchiveBatch
from nova.core.submission_messages import Principal
from nova.core.writer import writer_process
from nova.core.writer.submission_handler import SubmissionHandler
from nova.sdk.protocol.messages import Message
from nova.sdk.protocol.submission import Submission
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Receipt, Record, Transport, connect

DURING_S = 0.002


class Fate:
    """Counts steps and ends the process at the given one."""

    def __init__(self, last: int) -> None:
        self._left = last
        self._is_counting = False

    def begin(self) -> None:
        """Count from now on."""
        self._is_counting = self._left > 0

    def step(self) -> None:
        """One step further."""
        if self._is_counting:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def stepwise(fate: Fate) -> None:
    """Make every write, sync and dispatch of this process steps."""
    write, sync, take = Archive.write, Archive.sync, SubmissionHandler.handle

    def stepwise_write(archive: Archive, batch: ArchiveBatch) -> None:
        fate.step()
        write(archive, batch)
        fate.step()

    def stepwise_sync(archive: Archive) -> None:
        fate.step()
        sync(archive)
        fate.step()

    async def counted_take(
        desk: SubmissionHandler, asker: Principal, what: Submission, since_s: float
    ) -> Message:
        fate.begin()
        return await take(desk, asker, what, since_s)

    def stepwise_connect(url: str) -> Transport:
        transport = connect(url)
        publish = transport.publish

        async def stepwise_publish(records: Sequence[Record]) -> Receipt:
            fate.step()
            publishing = asyncio.ensure_future(publish(records))
            await asyncio.sleep(DURING_S)
            fate.step()
            receipt = await publishing
            fate.step()
            return receipt

        transport.publish = stepwise_publish  # type: ignore[method-assign]
        return transport

    for owner, name, stepped in (
        (Archive, "write", stepwise_write),
        (Archive, "sync", stepwise_sync),
        (SubmissionHandler, "handle", counted_take),
        (writer_process, "connect", stepwise_connect),
    ):
        setattr(owner, name, stepped)


def run_writer(step: int, settings: Settings, stdin: Connection, stdout: Connection) -> None:
    """Be the writer, in a process of its own."""
    for number, opened in enumerate((stdin.fileno(), stdout.fileno())):
        os.dup2(opened, number)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stdin = os.fdopen(0)  # multiprocessing has replaced it
    stepwise(Fate(step))
    asyncio.run(writer_process.serve(settings, exit_with_stdin=True))


class KilledWriter:
    """A writer that dies at a step; killed at the end of the block if it has not."""

    def __init__(self, data: Path, scope: str, step: int, url: str) -> None:
        forking = multiprocessing.get_context("forkserver")
        forking.set_forkserver_preload([__name__])
        stdin, self._stdin = forking.Pipe(duplex=False)
        self._stdout, stdout = forking.Pipe(duplex=False)
        settings = Settings(data=str(data), scope=scope, transports=(url,))
        self._process = forking.Process(
            target=run_writer, args=(step, settings, stdin, stdout), daemon=True
        )
        self._process.start()
        stdin.close()
        stdout.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._process.kill()
        await self.wait()
        self._process.close()
        self._stdin.close()
        self._stdout.close()

    async def has_started(self) -> bool:
        """Wait until it says that it is ready; not so if it ends before."""
        return bool(await asyncio.to_thread(os.read, self._stdout.fileno(), 1))

    async def wait(self) -> None:
        """Wait until it has ended."""
        await asyncio.to_thread(self._process.join)
