"""The hardware host: the devices of one configuration, with the flow of readings and commands."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Literal, NamedTuple

from nova.hardware import hardware_config as configs
from nova.hardware.built_device import BuiltDevice, LocalDevice
from nova.hardware.command_feedback import CommandFeedback
from nova.hardware.command_journal import CommandJournal
from nova.hardware.command_router import CommandRouter, MaxAgePolicy, RoutedTarget
from nova.hardware.device import Device, device_can_wait
from nova.hardware.device_process import PROCESS_LIMITS, DeviceProcess, ProcessLimits
from nova.hardware.device_runner import (
    RUNNER_LIMITS,
    DeviceRunner,
    RunnerHost,
    RunnerLimits,
    RunnerState,
)
from nova.hardware.event_builder import SYSTEM_ID, BuiltRecords, EventBuilder
from nova.hardware.hardware_config import DeviceConfig, HardwareConfig
from nova.hardware.host_database import HostDatabase
from nova.hardware.host_outboxes import HostOutboxes
from nova.hardware.outbox import OutboxGroup
from nova.sdk import timestamps
from nova.sdk.errors import NovaError, SettingsError, TransportError
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.processor_cores import available_cores
from nova.sdk.producer.producer import Retry
from nova.sdk.transport.base import Transport

LAST_PUBLISH_TIMEOUT_S = 3.0
REFUSALS_INTERVAL_S = 10.0
DEVICE_STATE = "DeviceState"
REFUSED = "ReadingRefused"

_log = logging.getLogger(__name__)


class HostLimits(NamedTuple):
    """How long the readiness waits for devices and transports that may be absent, and the limits
    of each device and of its process.
    """

    ready_timeout_s: float = 10.0
    runner: RunnerLimits = RUNNER_LIMITS
    process: ProcessLimits = PROCESS_LIMITS


HOST_LIMITS = HostLimits()


class HardwareHost:
    """Runs devices until it is stopped; create it inside the event loop."""

    def __init__(
        self,
        config: HardwareConfig,
        transports: Sequence[Transport],
        *,
        make: Callable[[HardwareConfig, DeviceConfig], Device] = configs.make_device,
        now_ns: Callable[[], int] = timestamps.now,
        limits: HostLimits = HOST_LIMITS,
    ) -> None:
        self._config = config
        self._limits = limits
        self._transports = transports
        self._has_processes = config.has_device_processes(available_cores())
        self._listening = {transport.link: asyncio.Event() for transport in transports}
        with ExitStack() as opened:
            opened.callback(os.close, _lock(config))
            self._database = HostDatabase(config.data)
            opened.callback(self._database.close)
            self._event_builder = EventBuilder(config.scope, now_ns)
            self._outboxes = HostOutboxes(self._database, config, transports, self._event_builder)
            self._journal = CommandJournal(self._database, config.command_max_age_s, now_ns=now_ns)
            self._max_age = MaxAgePolicy(config.command_max_age_s, now_ns)
            self._feedback = CommandFeedback(config.scope, self._outboxes.feedback, now_ns)
            self._targets: dict[Entity, RoutedTarget] = {}
            self.runners = [
                self._make_runner(device, make(config, device)) for device in config.devices
            ]
            self.router = CommandRouter(
                config.scope,
                self._targets,
                journal=self._journal,
                feedback=self._feedback,
                max_age=self._max_age,
            )
            self._opened = opened.pop_all()

    # --- setting up -------------------------------------------------------------------------------

    def _built(self, chosen: DeviceConfig, device: Device) -> BuiltDevice:
        """The device in this process, or another of the same configuration in one of its own."""
        if not self._has_processes:
            return LocalDevice(device, self._event_builder)
        return DeviceProcess(
            self._config.scope, chosen.type, self._config.setup(chosen), self._limits.process
        )

    def _make_runner(self, chosen: DeviceConfig, device: Device) -> DeviceRunner:
        outboxes = self._outboxes.holding if device_can_wait(device) else self._outboxes.dropping
        runner = DeviceRunner(
            chosen.name,
            self._built(chosen, device),
            feedback=self._feedback,
            journal=self._journal,
            host=RunnerHost(
                handle_records=self._record_handler(chosen.name, outboxes),
                recheck_room=outboxes.recheck_room,
                report_state=self._state_reporter(chosen.name),
                age_problem=self._max_age.problem,
            ),
            command_timeout_s=chosen.command_timeout_s,
            silence_max_s=chosen.silence_max_s,
            limits=self._limits.runner,
        )
        for target in device.targets():
            other = self._targets.get(target.entity)
            if other is not None:
                raise SettingsError(
                    f"devices.{chosen.name} and devices.{other.runner.name} have the same entity "
                    f"{'/'.join(target.entity)}: give one of them another"
                )
            self._targets[target.entity] = RoutedTarget(target, runner)
        return runner

    def _record_handler(
        self, name: str, outboxes: OutboxGroup
    ) -> Callable[[BuiltRecords, Callable[[], bool]], Awaitable[None]]:
        refusals = _RefusedReadings(name)

        async def handle(built: BuiltRecords, is_urgent: Callable[[], bool]) -> None:
            if built.records:
                await outboxes.put(built.records, is_urgent)
            payload = refusals.count(built.refused)
            if payload is not None:
                await self._publish_event(Entity(SYSTEM_ID, "device", name), REFUSED, payload)

        return handle

    def _state_reporter(self, name: str) -> Callable[[RunnerState, str | None], Awaitable[None]]:
        async def report(state: RunnerState, reason: str | None) -> None:
            payload: JsonObject = {"state": state}
            if reason is not None:
                payload["reason"] = reason.encode(errors="replace").decode()
            await self._publish_event(Entity(SYSTEM_ID, "device", name), DEVICE_STATE, payload)

        return report

    async def _publish_event(self, entity: Entity, message_type: str, payload: JsonObject) -> None:
        await self._outboxes.feedback.put(
            [self._event_builder.host_event(entity, message_type, payload)]
        )

    # --- running ----------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until `stop` is set; raises the exception of any part that fails."""
        try:
            async with _tasks(self._database.watch(), *self._outboxes.publishers()) as publishing:
                await self._outboxes.report_earlier()
                await self._describe()
                await self.router.finish_left_over()
                working = [work for one in self.runners for work in (one.run(), one.serve())]
                listening = [self._listen(transport) for transport in self._transports]
                async with _tasks(*listening, *working) as work:
                    stopping = asyncio.create_task(stop.wait())
                    starting = asyncio.create_task(self._be_ready(on_ready))
                    try:
                        await _wait_for_first([stopping, *publishing, *work])
                    finally:
                        for task in (stopping, starting):
                            task.cancel()
                        await asyncio.wait((stopping, starting))
                await self.router.finish_left_over()
                await _within(LAST_PUBLISH_TIMEOUT_S, self._outboxes.wait_drained())
            await self._outboxes.delete_published()
        finally:
            self.close()

    async def _describe(self) -> None:
        records = [
            self._event_builder.descriptor(served.target) for served in self._targets.values()
        ]
        await self._outboxes.feedback.put(records)

    async def _be_ready(self, on_ready: Callable[[], None]) -> None:
        await _within(self._limits.ready_timeout_s, self._startup_done())
        on_ready()

    async def _startup_done(self) -> None:
        """Return once devices have opened or failed, commands arrive, and old records are
        published.
        """
        for runner in self.runners:
            await runner.first_opening.wait()
        for listening in self._listening.values():
            await listening.wait()
        await self._past_delivered()
        await self._outboxes.wait_drained()

    async def _past_delivered(self) -> None:
        """Return once devices that start with past readings have delivered them."""
        for served in self._targets.values():
            if served.target.since_ns is not None and served.runner.state == "open":
                await served.runner.first_reading.wait()

    async def _listen(self, transport: Transport) -> None:
        """Receive commands for ever; retries an unavailable transport."""
        delays_s = Retry().delays_s()
        listening = self._listening[transport.link]
        while True:
            commands = transport.commands(self._config.scope, listening)
            try:
                async for record in commands:
                    delays_s = Retry().delays_s()
                    await self.router.route(record)
                reason = "it ended"
            except TransportError as error:
                reason = str(error)
            finally:
                if isinstance(commands, AsyncGenerator):
                    await commands.aclose()
            context = {"link": transport.link, "reason": reason}
            _log.warning("cannot receive commands", extra={"context": context})
            await asyncio.sleep(next(delays_s))

    def close(self) -> None:
        """Close all files; the next host publishes what is left in them."""
        self._opened.close()


class _RefusedReadings:
    """Counts the invalid readings of one device, and reports them periodically."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._total = self._reported = 0
        self._next_s = 0.0

    def count(self, reasons: list[str]) -> JsonObject | None:
        """Count refused readings; returns the payload of a report if one is due."""
        self._total += len(reasons)
        now_s = asyncio.get_running_loop().time()
        if self._total == self._reported or now_s < self._next_s:
            return None
        self._reported, self._next_s = self._total, now_s + REFUSALS_INTERVAL_S
        payload: JsonObject = {"refused": self._total}
        if reasons:
            payload["reason"] = reasons[-1].encode(errors="replace").decode()
        _log.warning("invalid reading", extra={"context": {"device": self._name, **payload}})
        return payload


def _lock(config: HardwareConfig) -> int:
    """Lock the data folder; raises NovaError if it cannot be written or another host has it."""
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(config.data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise NovaError(
            f"cannot write to {config.data}, the host's data folder: {error.strerror}; "
            "make it writable, or choose another with --data"
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise NovaError(f"another hardware host uses {config.data}") from None
    return file


@asynccontextmanager
async def _tasks(*work: Awaitable[None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Tasks that are cancelled at the end of the block."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _wait_for_first(
    tasks: Sequence[asyncio.Task[None] | asyncio.Task[Literal[True]]],
) -> None:
    """Return when one of the tasks ends; raises its exception."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        task.result()


async def _within(timeout_s: float, work: Awaitable[object]) -> None:
    """Wait with a timeout that is not an error."""
    try:
        async with asyncio.timeout(timeout_s):
            await work
    except TimeoutError:
        _log.warning("timed out; the host continues")
