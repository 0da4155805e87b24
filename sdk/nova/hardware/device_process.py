"""A device in a process of its own (`device_worker.py`), seen from the host: its readings arrive as
records, and whatever becomes of the process is a failure of the device.

The host alone has the outboxes and the command journal. A process that ends loses what it had read
and not sent, as a device does that is unplugged, and the command that it was executing fails, and
is not executed again. The next `open` starts another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from itertools import count
from typing import NamedTuple, cast

from nova.hardware.device import Command, CommandRefusedError, DeviceError, Progress, Setup
from nova.hardware.device_messages import (
    REPLIES,
    REQUESTS,
    CallDone,
    CallFailed,
    CallName,
    CancelCall,
    CommandCall,
    CommandReported,
    DeviceCall,
    DeviceReply,
    DeviceRequest,
    DeviceSetup,
    ProgressError,
    ProgressStored,
)
from nova.hardware.event_builder import BuiltRecords
from nova.hardware.failure_text import exit_text
from nova.hardware.host_database import completed
from nova.sdk.channel import ChannelError
from nova.sdk.errors import EnvelopeError
from nova.sdk.field_types import JsonObject
from nova.sdk.pending_replies import PendingReplies
from nova.sdk.worker_process import WorkerExitError, WorkerProcess

MODULE = "nova.hardware.device_worker"
UNKNOWN_EFFECT = "whether the command took effect is unknown"

_log = logging.getLogger(__name__)


class ProcessLimits(NamedTuple):
    """How long a process may take to end a call that is cancelled, and to end itself; it is killed
    after that.
    """

    cancel_s: float = 3.0
    end_s: float = 3.0


PROCESS_LIMITS = ProcessLimits()


class DeviceProcess:
    """A `BuiltDevice` in its own process, which `open` starts and `end` ends."""

    def __init__(
        self, scope: str, plugin: str, setup: Setup, limits: ProcessLimits = PROCESS_LIMITS
    ) -> None:
        self._name = setup.name
        self._limits = limits
        self._setup = DeviceSetup(
            scope=scope,
            name=setup.name,
            plugin=plugin,
            options=setup.options,
            folder=str(setup.folder),
        )
        self._worker: WorkerProcess[DeviceReply] | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._ended_by = "its process was not started"
        self._refs = count(1)
        self._pending: PendingReplies[CallDone | CallFailed] = PendingReplies()
        self._progress: dict[int, Progress] = {}
        self._reports: set[asyncio.Task[None]] = set()

    @property
    def process_id(self) -> int | None:
        """The running process."""
        return None if self._worker is None else self._worker.process_id

    # --- calls ------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the device; starts its process if there is none."""
        if self._worker is None:
            await self._start()
        await self._call("open")

    async def read(self) -> BuiltRecords:
        """Wait for readings. If it is cancelled while the process sends some, it returns them."""
        done = await self._call("read")
        return BuiltRecords(done.records, done.refused)

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Execute a command in the process, once."""
        ref = next(self._refs)
        self._progress[ref] = progress
        try:
            reply = await self._reply_to(CommandCall(ref, command), ref)
        except ChannelError as error:
            raise DeviceError(f"{error}; {UNKNOWN_EFFECT}") from None
        finally:
            del self._progress[ref]
        return cast(JsonObject | None, _returned(reply).result)

    async def close(self) -> None:
        """Close the device; its process stays for the next `open`."""
        if self._worker is not None:
            await self._call("close")

    async def _call(self, method: CallName) -> CallDone:
        ref = next(self._refs)
        try:
            return _returned(await self._reply_to(DeviceCall(ref, method), ref))
        except ChannelError as error:
            raise DeviceError(str(error)) from None

    async def _reply_to(self, call: DeviceRequest, ref: int) -> CallDone | CallFailed:
        """The reply to a call. A cancelled one returns only once the process has ended it;
        what it returned all the same is returned here too.
        """
        future = self._pending.expect(ref)
        try:
            self._send(call)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                self._send(CancelCall(ref))
                reply = await self._ended_reply(future)
                if isinstance(reply, CallDone) and (reply.records or reply.refused):
                    return reply
                raise
        finally:
            self._pending.forget(ref)

    async def _ended_reply(
        self, future: asyncio.Future[CallDone | CallFailed]
    ) -> CallDone | CallFailed | None:
        """The reply to a cancelled call; the process is killed if it does not end it."""
        waiting = asyncio.create_task(_wait(future, self._limits.cancel_s))
        await completed(waiting)
        if not future.done():
            _log.error("the device's process hangs", extra={"context": self._context()})
            await self._kill("its process did not respond and was killed")
            return None
        return None if future.exception() is not None else future.result()

    def _send(self, request: DeviceRequest) -> None:
        if self._worker is None:
            raise ChannelError(self._ended_by)
        self._worker.send(REQUESTS.encode(request))

    # --- the process ------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._worker = worker = await WorkerProcess.start(
            f"the process of device {self._name}", [MODULE], REPLIES
        )
        _log.info("the device has a process", extra={"context": self._context()})
        worker.send(REQUESTS.encode(self._setup))
        self._receiving = asyncio.create_task(self._receive(worker))

    def _context(self) -> dict[str, object]:
        return {"device": self._name, "pid": self.process_id}

    async def _receive(self, worker: WorkerProcess[DeviceReply]) -> None:
        """Deliver replies until the process ends; then all calls fail."""
        try:
            while True:
                reply = await worker.receive()
                if isinstance(reply, CommandReported):
                    self._begin(self._report(reply))
                else:
                    self._pending.resolve(reply.ref, reply)
        except WorkerExitError as error:
            self._end_calls(exit_text(error.status))
        except ChannelError as error:
            self._end_calls(f"its process failed: {error}")
            await worker.kill()

    def _end_calls(self, reason: str) -> None:
        self._worker, self._ended_by = None, reason
        self._pending.fail(ChannelError(reason))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _report(self, reported: CommandReported) -> None:
        """Publish the progress of a command that is still being executed."""
        progress, problem = self._progress.get(reported.ref), None
        if progress is not None:
            try:
                await progress(reported.percent, reported.message)
            except EnvelopeError as error:
                problem = ProgressError(error.code, error.member, error.reason)
        with contextlib.suppress(ChannelError):  # It has ended, and its command has failed.
            self._send(ProgressStored(reported.number, problem))

    async def _kill(self, reason: str) -> None:
        worker, receiving = self._worker, self._receiving
        self._end_calls(reason)
        if receiving is not None:
            receiving.cancel()
            await asyncio.wait((receiving,))
        if worker is not None:
            await worker.kill()

    async def end(self) -> None:
        """End the process, if there is one."""
        if self._receiving is not None:
            self._receiving.cancel()
            await asyncio.wait((self._receiving,))
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop(self._limits.end_s)
        if self._reports:
            await asyncio.wait(self._reports)


async def _wait(future: asyncio.Future[CallDone | CallFailed], timeout_s: float) -> None:
    await asyncio.wait((future,), timeout=timeout_s)


def _returned(reply: CallDone | CallFailed) -> CallDone:
    """What a call returned; raises what it raised."""
    if isinstance(reply, CallDone):
        return reply
    raise (CommandRefusedError if reply.kind == "refused" else DeviceError)(reply.reason)
