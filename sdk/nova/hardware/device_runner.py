"""The runner of one device: opens and reads it, executes its commands one by one, and reopens it
with growing delays when it fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from nova.hardware.built_device import BuiltDevice
from nova.hardware.command_feedback import CommandFeedback
from nova.hardware.command_journal import CommandJournal
from nova.hardware.confirmation import WRITTEN, WRITTEN_PERCENT
from nova.hardware.device import Command, CommandRefusedError, DeviceError
from nova.hardware.event_builder import BuiltRecords
from nova.hardware.failure_text import REASON_MAX_CHARS, one_line
from nova.sdk.field_types import JsonObject
from nova.sdk.producer.producer import Retry
from nova.sdk.transport.base import Record

OPEN_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 5.0
RECOVERED_AFTER_S = 10.0
"""A device that was open for this long has recovered: the delays start again from the first."""
IDLE_PAUSE_S = 0.01
"""Pause after an empty read, so that a device that never waits does not block the event loop."""

RunnerState = Literal["opening", "open", "failed", "closed"]

_log = logging.getLogger(__name__)


class RunnerLimits(NamedTuple):
    """The delays of reopening a device, and how many commands wait for it; more fail at once."""

    restart: Retry = Retry(first_delay_s=0.5, max_delay_s=30.0)
    queue_max_commands: int = 100


RUNNER_LIMITS = RunnerLimits()


class RunnerHost(NamedTuple):
    """What a runner calls its host for."""

    handle_records: Callable[[BuiltRecords, Callable[[], bool]], Awaitable[None]]
    recheck_room: Callable[[], Awaitable[None]]
    report_state: Callable[[RunnerState, str | None], Awaitable[None]]
    age_problem: Callable[[Command], str | None]


class DeviceRunner:
    """Runs one device until cancelled."""

    def __init__(
        self,
        name: str,
        device: BuiltDevice,
        *,
        feedback: CommandFeedback,
        journal: CommandJournal,
        host: RunnerHost,
        command_timeout_s: float,
        silence_max_s: float | None = None,
        limits: RunnerLimits = RUNNER_LIMITS,
    ) -> None:
        self.name = name
        self.state: RunnerState = "opening"
        self.restarts = 0
        self.first_reading = asyncio.Event()
        self.first_opening = asyncio.Event()
        self.device = device
        self._feedback = feedback
        self._journal = journal
        self._host = host
        self._is_executing = False
        self._command_timeout_s = command_timeout_s
        self._silence_max_s = silence_max_s
        self._limits = limits
        self._reason: str | None = None
        self._queue: asyncio.Queue[Command] = asyncio.Queue(limits.queue_max_commands)
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    # --- the device's life ------------------------------------------------------------------------

    async def run(self) -> None:
        """Open, read, close and reopen, until cancelled."""
        loop = asyncio.get_running_loop()
        delays_s = self._limits.restart.delays_s()
        try:
            while True:
                began_s = loop.time()
                reason = await self._run_session()
                if loop.time() - began_s > RECOVERED_AFTER_S:
                    delays_s = self._limits.restart.delays_s()
                self.restarts += 1
                await self._set_state("failed", reason)
                await asyncio.sleep(next(delays_s))
        finally:
            self.state = "closed"
            await self.device.end()

    async def _run_session(self) -> str:
        """One session of the device, from `open` to `close`; returns why it ended."""
        self._failure = asyncio.get_running_loop().create_future()
        try:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S) as limit:
                    await self.device.open()
            except TimeoutError:
                if not limit.expired():  # The plug-in's own timeout.
                    raise
                raise DeviceError(f"did not open within {OPEN_TIMEOUT_S:.0f} s") from None
            await self._set_state("open", None)
            return await self._read_until_broken()
        except Exception as error:  # A plug-in may raise anything; the host must survive it.
            return one_line(error)
        finally:
            await self._close()

    async def _read_until_broken(self) -> str:
        reading = asyncio.create_task(self._read_on())
        try:
            await asyncio.wait((reading, self._failure), return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                return self._failure.result()
            reading.result()
        except asyncio.CancelledError:
            if reading.cancelled():  # By the plug-in, not by the host: treat it as a failure.
                return "its read was cancelled by the plug-in"
            raise
        finally:
            reading.cancel()
            await asyncio.wait((reading,))
        raise AssertionError("reading never ends")

    async def _read_on(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        while True:
            try:
                async with asyncio.timeout(self._silence_max_s) as limit:
                    built = await self.device.read()
            except TimeoutError:
                if not limit.expired():  # The plug-in's own timeout.
                    raise
                raise DeviceError(f"no data within {self._silence_max_s:g} s") from None
            if not built.records and not built.refused:
                await asyncio.sleep(IDLE_PAUSE_S)
                continue
            if task.cancelling():
                task.cancel()  # What a read had when it was cancelled is stored without waiting.
            await self._host.handle_records(built, self._is_busy)
            self.first_reading.set()

    def _is_busy(self) -> bool:
        """Whether a command is being executed, so that the device's data may be its answer."""
        return self._is_executing

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.device.close()
        except Exception as error:  # As above; the device is abandoned anyway.
            _log.warning(
                "closing failed", extra={"context": {"device": self.name, **_reason_context(error)}}
            )

    async def _set_state(self, state: RunnerState, reason: str | None) -> None:
        is_news = (state, reason) != (self.state, self._reason)
        self.state, self._reason = state, reason
        self.first_opening.set()
        level = logging.INFO if state == "open" else logging.WARNING
        context = {"device": self.name, "state": state, "reason": reason}
        _log.log(level, "device", extra={"context": context})
        if is_news:
            await self._host.report_state(state, reason)

    # --- its commands -----------------------------------------------------------------------------

    def enqueue(self, command: Command) -> str | None:
        """Queue a command; returns why not if it cannot be queued."""
        if self.state != "open":
            return f"not done: device {self.name} is not open: {self._reason or self.state}"
        try:
            self._queue.put_nowait(command)
        except asyncio.QueueFull:
            most = self._limits.queue_max_commands
            return f"not done: the queue of device {self.name} is full ({most} commands)"
        return None

    async def serve(self) -> None:
        """Execute the queued commands one by one, until cancelled."""
        while True:
            command = await self._queue.get()
            result = await self._process(command)
            if result is not None:
                await self._journal.record_result(command, result)
                await self._feedback.publish(result)
            await self._journal.record_published(command)

    async def _process(self, command: Command) -> Record | None:
        """The command's result; None if it was sent and has no confirmation."""
        refusal = self._host.age_problem(command)
        if refusal is None and self.state != "open":
            refusal = f"not done: device {self.name} is not open: {self._reason or self.state}"
        if refusal is not None:
            return self._feedback.failure(command, refusal)
        try:
            await self._journal.record_start(command)
        except OSError as error:
            return self._feedback.failure(
                command, f"not done: cannot write the command journal: {error}"
            )
        return await self._execute(command)

    async def _execute(self, command: Command) -> Record | None:
        report = _ProgressReporter(self._feedback, command)
        self._is_executing = True
        await self._host.recheck_room()
        try:
            async with asyncio.timeout(self._command_timeout_s) as limit:
                result = await self.device.execute(command, report)
            if result is None:
                await report(max(report.percent, WRITTEN_PERCENT), WRITTEN)
                return None
            return self._feedback.success(command, _as_json_object(result))
        except CommandRefusedError as error:
            return self._feedback.failure(command, one_line(error))
        except TimeoutError as error:
            if not limit.expired():
                return self._fail_command(command, error)
            seconds = f"{self._command_timeout_s:g} s"
            reason = f"no result after {seconds}; whether it took effect is unknown"
            self._fail_device(f"a command had no result after {seconds}")
            return self._feedback.failure(command, reason)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # The host stops; the command router publishes the result.
            return self._fail_command(command, error)
        except Exception as error:  # A plug-in may raise anything; it fails this command.
            return self._fail_command(command, error)
        finally:
            self._is_executing = False

    def _fail_command(self, command: Command, error: BaseException) -> Record:
        self._fail_device(f"execute: {one_line(error)}")
        return self._feedback.failure(command, one_line(error))

    def _fail_device(self, reason: str) -> None:
        """Make the device reopen: its state is unknown."""
        if not self._failure.done():
            self._failure.set_result(reason)


class _ProgressReporter:
    """Publishes the progress of a command, and remembers the last percentage."""

    def __init__(self, answers: CommandFeedback, command: Command) -> None:
        self._answers = answers
        self._command = command
        self.percent = 0.0

    async def __call__(self, percent: float, message: str | None = None) -> None:
        await self._answers.progress(self._command, percent, message)
        self.percent = percent


def _as_json_object(result: object) -> JsonObject:
    """A result as a JSON object; other values a plug-in returns are converted to text."""
    if isinstance(result, dict):
        return result
    return {"value": repr(result)[:REASON_MAX_CHARS]}


def _reason_context(error: Exception) -> dict[str, str]:
    return {"reason": one_line(error)}
