"""The process of one device: `python -m nova.hardware.device_worker`, started by a hardware host.

It makes the device, reads it and builds the records of its readings. It stores and publishes
nothing, so it may end at any moment as a device may fail. It ends with its host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from functools import partial
from itertools import count
from pathlib import Path

import msgspec

from nova.hardware.built_device import LocalDevice
from nova.hardware.device import Command, CommandRefusedError, Setup
from nova.hardware.device_messages import (
    REQUESTS,
    CallDone,
    CallFailed,
    CallName,
    CancelCall,
    CommandCall,
    CommandReported,
    DeviceCall,
    DeviceReply,
    DeviceSetup,
    ProgressStored,
)
from nova.hardware.event_builder import EventBuilder
from nova.hardware.failure_text import REASON_MAX_CHARS, one_line
from nova.hardware.hardware_config import make_of_type
from nova.sdk import lifecycle, logs
from nova.sdk.channel import FRAME_MAX_BYTES, AsyncFrameReader, ChannelError
from nova.sdk.errors import EnvelopeError
from nova.sdk.pending_replies import PendingReplies
from nova.sdk.worker_channel import WorkerChannel

PROCESS = "hardware"

_encode = msgspec.msgpack.Encoder().encode


class DeviceWorker:
    """Executes the calls of the host; each is a task, which can be cancelled."""

    def __init__(self, channel: WorkerChannel, setup: DeviceSetup) -> None:
        self._channel = channel
        self._setup = setup
        self._device: LocalDevice | None = None
        self._calls: dict[int, asyncio.Task[CallDone]] = {}
        self._cancelled: set[int] = set()
        self._numbers = count(1)
        self._stored: PendingReplies[ProgressStored] = PendingReplies()

    async def serve(self, requests: AsyncFrameReader) -> None:
        """Execute calls until the host closes the pipe; raises ChannelError."""
        while (frame := await requests.read()) is not None:
            request = REQUESTS.decode(frame.head)
            match request:
                case DeviceCall(ref, method):
                    self._begin(ref, method, self._call(ref, method))
                case CommandCall(ref, command):
                    self._begin(ref, None, self._execute(ref, command))
                case CancelCall(ref):
                    self._cancel(ref)
                case ProgressStored(number):
                    self._stored.resolve(number, request)
                case DeviceSetup():
                    raise ChannelError("a second setup")

    def _begin(
        self, ref: int, method: CallName | None, call: Coroutine[None, None, CallDone]
    ) -> None:
        task = self._calls[ref] = asyncio.create_task(call)
        task.add_done_callback(partial(self._finish, ref, method))

    def _cancel(self, ref: int) -> None:
        task = self._calls.get(ref)
        if task is not None:
            self._cancelled.add(ref)
            task.cancel()

    def _finish(self, ref: int, method: CallName | None, task: asyncio.Task[CallDone]) -> None:
        del self._calls[ref]
        is_cancelled = ref in self._cancelled
        self._cancelled.discard(ref)
        with contextlib.suppress(BrokenPipeError):  # The host has ended, and so does this process.
            self._send(_reply_of(ref, method, task, is_cancelled))

    def _send(self, reply: DeviceReply) -> None:
        head = _encoded(reply)
        if isinstance(reply, CallDone) and len(head) > FRAME_MAX_BYTES:
            most = FRAME_MAX_BYTES // 1024**2
            head = _encode(CallFailed(reply.ref, f"returned more than {most} MiB at once"))
        self._channel.send(head)

    async def _call(self, ref: int, method: CallName) -> CallDone:
        if method == "open":
            await self._made().open()
        elif method == "close":
            if self._device is not None:
                await self._device.close()
        else:
            built = await self._made().read()
            return CallDone(ref, built.records, built.refused)
        return CallDone(ref)

    def _made(self) -> LocalDevice:
        """The device; one that cannot be made is tried again when it is opened again."""
        if self._device is None:
            setup = self._setup
            made = Setup(setup.name, setup.options, Path(setup.folder))
            device = make_of_type(setup.plugin, made)
            self._device = LocalDevice(device, EventBuilder(setup.scope))
        return self._device

    async def _execute(self, ref: int, command: Command) -> CallDone:
        progress = partial(self._report, ref)
        return CallDone(ref, result=await self._made().execute(command, progress))

    async def _report(self, ref: int, percent: float, message: str | None = None) -> None:
        """Send the progress of a command, and wait until the host has queued it."""
        number = next(self._numbers)
        stored = self._stored.expect(number)
        try:
            self._channel.send(_encode(CommandReported(ref, number, percent, message)))
            error = (await stored).error
        finally:
            self._stored.forget(number)
        if error is not None:
            raise EnvelopeError(error.code, error.member, error.reason)


def _reply_of(
    ref: int, method: CallName | None, task: asyncio.Task[CallDone], is_cancelled: bool
) -> DeviceReply:
    """What a call returned or raised; a plug-in may raise anything."""
    try:
        return task.result()
    except asyncio.CancelledError as error:
        if is_cancelled:
            return CallFailed(ref, "cancelled", "cancelled")
        by_itself = f"its {method} was cancelled by the plug-in"
        return CallFailed(ref, one_line(error) if method is None else by_itself)
    except CommandRefusedError as error:
        return CallFailed(ref, one_line(error), "refused" if method is None else "failed")
    except Exception as error:
        return CallFailed(ref, one_line(error))


def _encoded(reply: DeviceReply) -> bytes:
    """The bytes of a reply; one of a result that has none has its text."""
    try:
        return _encode(reply)
    except (TypeError, ValueError, OverflowError, RecursionError):
        if not isinstance(reply, CallDone):
            raise
        told = {"value": repr(reply.result)[:REASON_MAX_CHARS]}
        return _encode(CallDone(reply.ref, result=told))


async def _serve() -> None:
    stream = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), sys.stdin.buffer
    )
    requests = AsyncFrameReader(stream)
    channel = WorkerChannel()
    frame = await requests.read()
    if frame is None:
        return
    setup = REQUESTS.decode(frame.head)
    if not isinstance(setup, DeviceSetup):
        raise ChannelError(f"{type(setup).__name__} before the setup")
    await DeviceWorker(channel, setup).serve(requests)
    os._exit(0)  # What is still under way ends with its host.


def main() -> None:
    """Serve the host until it closes stdin or ends."""
    lifecycle.kill_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # The host gets them too, and then ends this process.
    logs.configure(PROCESS)
    lifecycle.prepare_for_batches()
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
