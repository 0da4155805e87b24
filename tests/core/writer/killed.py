"""A writer that kills itself at its n-th step: before or after a write, a sync, or a dispatch.

    python killed.py DATA SCOPE STEP TRANSPORT...

Steps are counted from the first submission on. STEP 0 is a writer that lives.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

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


if __name__ == "__main__":
    data, scope, step, *urls = sys.argv[1:]
    stepwise(Fate(int(step)))
    settings = Settings(data=data, scope=scope, transports=tuple(urls))
    asyncio.run(writer_process.serve(settings, exit_with_stdin=True))
