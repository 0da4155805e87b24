"""The hardware host: the devices of one configuration, with the flow of readings and commands."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from typing import Literal

from sdk import timestamps
from sdk.envelope import JsonObject
from sdk.errors import NovaError, SettingsError, TransportError
from sdk.hardware import config as configs
from sdk.hardware.answers import Answers
from sdk.hardware.config import DeviceConfig, HardwareConfig
from sdk.hardware.desk import Ages, Desk, Served
from sdk.hardware.device import Device, Reading, can_wait
from sdk.hardware.keeper import Keeper, State
from sdk.hardware.memory import CommandMemory
from sdk.hardware.outlet import Outlet, Outlets
from sdk.hardware.spool import Lost, Spool
from sdk.hardware.wrapping import SYSTEM_ID, Wrapper
from sdk.observation import Entity
from sdk.producer import Producer, Retry
from sdk.settings import MIB
from sdk.transport.base import Transport

ANSWERS_MAX_BYTES = 64 * MIB
READY_TIMEOUT_S = 10.0
"""How long the readiness waits for devices and transports that may be absent."""
LAST_PUBLISH_TIMEOUT_S = 3.0
REFUSALS_EVERY_S = 10.0
GAP = "HardwareGap"
DEVICE_STATE = "DeviceState"
REFUSED = "ReadingRefused"

_log = logging.getLogger(__name__)


class Host:
    """Runs devices until it is stopped; create it inside the event loop."""

    def __init__(
        self,
        config: HardwareConfig,
        transports: Sequence[Transport],
        *,
        make: Callable[[HardwareConfig, DeviceConfig], Device] = configs.make,
        now_ns: Callable[[], int] = timestamps.now,
    ) -> None:
        self._config = config
        self._transports = transports
        self._listening = {transport.link: asyncio.Event() for transport in transports}
        self._lock = _lock(config)
        self._wrapper = Wrapper(config.scope, now_ns)
        self._entity = Entity(SYSTEM_ID, "host", config.name)
        self._answering = Outlets(
            self._outlet(one, "answers", ANSWERS_MAX_BYTES) for one in transports
        )
        max_bytes = config.buffer_mib * MIB
        self._reporting = Outlets(self._outlet(one, "readings", max_bytes) for one in transports)
        self._holding = Outlets(
            self._outlet(one, "held", max_bytes, drops=False) for one in transports
        )
        self._memory = CommandMemory(config.data / "commands.jsonl", config.command_max_age_s)
        self._ages = Ages(config.command_max_age_s, now_ns)
        self._answers = Answers(config.scope, self._answering, now_ns)
        self._served: dict[Entity, Served] = {}
        self.keepers = [self._keeper(device, make(config, device)) for device in config.devices]
        self.desk = Desk(
            config.scope,
            self._served,
            memory=self._memory,
            answers=self._answers,
            ages=self._ages,
        )

    # --- setting up -------------------------------------------------------------------------------

    def _outlet(
        self, transport: Transport, kind: str, max_bytes: int, *, drops: bool = True
    ) -> Outlet:
        """The outbox of one kind of records for one transport, in the link's own folder."""
        folder = self._config.data / "spool" / _folder_name(transport.link) / kind
        on_lost = partial(self._on_lost, transport.link, kind)
        spool = Spool(folder, max_bytes, on_lost, drops=drops)
        return Outlet(
            f"{kind} for {transport.link}", spool, Producer(transport, self._config.scope)
        )

    def _keeper(self, chosen: DeviceConfig, device: Device) -> Keeper:
        outlets = self._holding if can_wait(device) else self._reporting
        keeper = Keeper(
            chosen.name,
            device,
            answers=self._answers,
            memory=self._memory,
            take_readings=self._taker(chosen.name, outlets),
            hurry=outlets.hurry,
            tell=self._teller(chosen.name),
            too_old=self._ages.problem,
            command_timeout_s=chosen.command_timeout_s,
            silence_max_s=chosen.silence_max_s,
        )
        for target in device.targets():
            other = self._served.get(target.entity)
            if other is not None:
                raise SettingsError(
                    f"devices.{chosen.name} and devices.{other.keeper.name} have the same entity "
                    f"{'/'.join(target.entity)}: give one of them another"
                )
            self._served[target.entity] = Served(target, keeper)
        return keeper

    def _taker(
        self, name: str, outlets: Outlets
    ) -> Callable[[list[Reading], Callable[[], bool]], Awaitable[None]]:
        refusals = _Refusals(name)

        async def take(readings: list[Reading], is_urgent: Callable[[], bool]) -> None:
            wrapped = self._wrapper.readings(readings)
            if wrapped.records:
                await outlets.put(wrapped.records, is_urgent)
            payload = refusals.note(wrapped.refused)
            if payload is not None:
                await self._say(Entity(SYSTEM_ID, "device", name), REFUSED, payload)

        return take

    def _teller(self, name: str) -> Callable[[State, str | None], Awaitable[None]]:
        async def tell(state: State, reason: str | None) -> None:
            payload: JsonObject = {"state": state}
            if reason is not None:
                payload["reason"] = reason.encode(errors="replace").decode()
            await self._say(Entity(SYSTEM_ID, "device", name), DEVICE_STATE, payload)

        return tell

    async def _say(self, entity: Entity, message_type: str, payload: JsonObject) -> None:
        await self._answering.put([self._wrapper.note(entity, message_type, payload)])

    def _on_lost(self, link: str, kind: str, lost: Lost) -> None:
        """Queue a gap event before the records are deleted, so that no loss is silent."""
        payload: JsonObject = {"link": link, "kind": kind, "reason": lost.reason}
        named = {
            "records": lost.records,
            "bytes": lost.size_bytes,
            "from": lost.from_time,
            "to": lost.to_time,
        }
        payload |= {name: value for name, value in named.items() if value is not None}
        _log.error("events were lost", extra={"context": payload})
        self._answering.append([self._wrapper.note(self._entity, GAP, payload)])

    def _warn_of_left_buffers(self) -> None:
        """Log buffers with events for transports that are no longer configured."""
        known = {_folder_name(transport.link) for transport in self._transports}
        for folder in sorted((self._config.data / "spool").iterdir()):
            if folder.name not in known:
                _log.warning(
                    "buffer of an unknown transport", extra={"context": {"folder": str(folder)}}
                )

    # --- running ----------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Run until `stop` is set; raises the exception of any part that fails."""
        try:
            outlets = (self._answering, self._reporting, self._holding)
            async with _tasks(*(work for one in outlets for work in one.work())) as publishing:
                self._warn_of_left_buffers()
                await self._describe()
                await self.desk.answer_what_is_left()
                working = [work for one in self.keepers for work in (one.run(), one.serve())]
                listening = [self._listen(transport) for transport in self._transports]
                async with _tasks(*listening, *working) as work:
                    stopping = asyncio.create_task(stop.wait())
                    starting = asyncio.create_task(self._be_ready(on_ready))
                    try:
                        await _first_end([stopping, *publishing, *work])
                    finally:
                        for task in (stopping, starting):
                            task.cancel()
                        await asyncio.wait((stopping, starting))
                await self.desk.answer_what_is_left()
                await _within(LAST_PUBLISH_TIMEOUT_S, self._drained())
        finally:
            self.close()

    async def _describe(self) -> None:
        records = [self._wrapper.descriptor(served.target) for served in self._served.values()]
        await self._answering.put(records)

    async def _be_ready(self, on_ready: Callable[[], None]) -> None:
        await _within(READY_TIMEOUT_S, self._first_steps())
        on_ready()

    async def _first_steps(self) -> None:
        """Return once devices have opened or failed, commands arrive, and old records are
        published.
        """
        for keeper in self.keepers:
            await keeper.first_opening.wait()
        for listening in self._listening.values():
            await listening.wait()
        await self._pasts_read()
        await self._drained()

    async def _pasts_read(self) -> None:
        """Return once devices that start with past readings have delivered them."""
        for served in self._served.values():
            if served.target.since_ns is not None and served.keeper.state == "open":
                await served.keeper.first_reading.wait()

    async def _drained(self) -> None:
        outlets = (self._answering, self._reporting, self._holding)
        await asyncio.gather(*(one.drained() for one in outlets))

    async def _listen(self, transport: Transport) -> None:
        """Receive commands for ever; retries an unavailable transport."""
        delays_s = Retry().delays_s()
        listening = self._listening[transport.link]
        while True:
            commands = transport.commands(self._config.scope, listening)
            try:
                async for record in commands:
                    delays_s = Retry().delays_s()
                    await self.desk.take(record)
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
        self._answering.close()
        self._reporting.close()
        self._holding.close()
        self._memory.close()
        os.close(self._lock)


class _Refusals:
    """Counts the invalid readings of one device, and reports them periodically."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._count = self._told = 0
        self._next_s = 0.0

    def note(self, reasons: list[str]) -> JsonObject | None:
        """Count refused readings; returns the payload of a report if one is due."""
        self._count += len(reasons)
        now_s = asyncio.get_running_loop().time()
        if self._count == self._told or now_s < self._next_s:
            return None
        self._told, self._next_s = self._count, now_s + REFUSALS_EVERY_S
        payload: JsonObject = {"refused": self._count}
        if reasons:
            payload["reason"] = reasons[-1].encode(errors="replace").decode()
        _log.warning("invalid reading", extra={"context": {"device": self._name, **payload}})
        return payload


def _folder_name(link: str) -> str:
    """A link's folder name: its scheme for readability, and a digest for uniqueness."""
    return f"{link.partition(':')[0]}-{sha256(link.encode()).hexdigest()[:12]}"


def _lock(config: HardwareConfig) -> int:
    """Lock the data folder; raises NovaError if another host has it."""
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(config.data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
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


async def _first_end(tasks: Sequence[asyncio.Task[None] | asyncio.Task[Literal[True]]]) -> None:
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
