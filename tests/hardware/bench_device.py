"""A device for tests that does what it is scripted to do, and the host's parts around it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence

import msgspec

from nova.hardware.device import Command, Parsed, Progress, Reading, Target
from nova.sdk import timestamps
from nova.sdk.address import dispatch
from nova.sdk.events.envelope import CommandResult
from nova.sdk.events.event import Event, address_of, check
from nova.sdk.events.observation import Entity
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record
from tests.sdk.tape import Fault, Tape

SCOPE = "lab"
PUMP = Entity("lab", "bench", "pump")
TARGET = Target(PUMP, ("telemetry:Flow", "command:pump.set", "command:pump.slow"))

Execute = Callable[[Command, Progress], Awaitable[JsonObject | None]]


def flow(number: int) -> list[Reading]:
    """One reading with a number."""
    return [Reading(PUMP, [Parsed("Flow", {"number": number})])]


class BenchDevice:
    """Counts what is done with it; `script` is what the reads do, one after the other."""

    def __init__(
        self,
        script: Iterable[Sequence[Reading] | Exception] = (),
        execute: Execute | None = None,
        open_faults: Iterable[Exception] = (),
    ) -> None:
        self.opened = self.closed = 0
        self.done: list[Command] = []
        self._script = iter(script)
        self._is_silent = False
        self._execute = execute
        self._open_faults = iter(open_faults)

    async def silence(self) -> None:
        """Return when all that is scripted was read, and so is on the disk."""
        async with asyncio.timeout(20):
            while not self._is_silent:
                await asyncio.sleep(0.001)

    def targets(self) -> Sequence[Target]:
        """One pump."""
        return [TARGET]

    async def open(self) -> None:
        """Fail as long as faults are scripted."""
        self.opened += 1
        fault = next(self._open_faults, None)
        if fault is not None:
            raise fault

    async def read(self) -> Sequence[Reading]:
        """The next line of the script; silence at its end."""
        for step in self._script:
            if isinstance(step, Exception):
                raise step
            return step
        self._is_silent = True
        return await asyncio.Future[Sequence[Reading]]()

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Note the command, then do what the test wants."""
        self.done.append(command)
        if self._execute is None:
            return {"done": len(self.done)}
        return await self._execute(command, progress)

    async def close(self) -> None:
        """Count it."""
        self.closed += 1


class Line(Tape):
    """A tape that commands come over too, as the Core dispatches them."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        super().__init__(faults)
        self.away = False
        self.published = asyncio.Condition()
        self._dispatched: asyncio.Queue[Record] = asyncio.Queue()

    async def publish(self, records):  # type: ignore[no-untyped-def]  # as its parent's
        """Keep the records unless the line is away; notify waiting clients."""
        await asyncio.sleep(0)  # a real one lets others go on too
        while self.away:
            await asyncio.sleep(0.001)
        receipt = await super().publish(records)
        async with self.published:
            self.published.notify_all()
        return receipt

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """What was dispatched."""
        if listening is not None:
            listening.set()
        while True:
            yield await self._dispatched.get()

    def dispatch(self, record: Record) -> None:
        """Send a command to who listens."""
        self._dispatched.put_nowait(record)

    def of_type(self, message_type: str) -> list[Event]:
        """The events of one type that have arrived, in the order of their arrival."""
        found = self.events.values()
        return [event for event in found if event.series.message_type == message_type]

    async def until(self, message_type: str, count: int = 1) -> list[Event]:
        """The events of one type, once there are this many."""
        async with self.published:
            await self.published.wait_for(lambda: len(self.of_type(message_type)) >= count)
        return self.of_type(message_type)

    async def results(self, count: int = 1) -> list[CommandResult]:
        """The results of commands, once there are this many."""
        return [result_of(event) for event in await self.until("CommandResult", count)]


def result_of(event: Event) -> CommandResult:
    """The result that an event is."""
    assert isinstance(event.envelope, CommandResult)
    return event.envelope


def command_record(
    command_id: str,
    command_type: str = "pump.set",
    *,
    request_id: str | None = None,
    entity: Entity = PUMP,
    target_id: str | None = None,
    payload: JsonObject | None = None,
    at_ns: int | None = None,
    scope: str = SCOPE,
) -> Record:
    """A command as the Core dispatches it (A-186)."""
    request_id = request_id or f"r-{command_id}"
    envelope = {
        "scopeId": scope,
        "lane": "command",
        "systemId": entity.system_id,
        "containerId": entity.container_id,
        "uniqueId": entity.unique_id,
        "sourceTruthTime": timestamps.text(timestamps.now() if at_ns is None else at_ns),
        "messageType": "CommandRequest",
        "commandId": command_id,
        "requestId": request_id,
        "targetId": target_id or entity.unique_id,
        "commandType": command_type,
        "timelineMode": "LIVE",
        "payload": payload or {},
    }
    record = Record(dispatch(scope, request_id), msgspec.json.encode(envelope))
    check(record.value, address_of(record.address))
    return record
