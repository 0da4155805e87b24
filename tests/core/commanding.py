"""A target of commands for tests: its descriptor, its listener, and the commands that it
received.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.submission import SubmitCommand
from nova.sdk.transport.base import Record, Transport

SCOPE = "sat"
HEATER = Entity("bus", "thermal", "heater")
WAIT_S = 60.0

_numbers = itertools.count()
_observers: dict[str, Observer] = {}


def descriptor(
    *commands: str,
    entity: Entity = HEATER,
    scope_id: str = SCOPE,
    effective_time: str | None = None,
) -> Record:
    """The descriptor of a target that knows these commands."""
    capabilities = [f"command:{command}" for command in commands or ("heater.set",)]
    observer = _observers.setdefault(scope_id, Observer(scope_id))
    return record_of(observer.observe(entity).descriptor(capabilities, "1", effective_time))


def command(**given: Any) -> SubmitCommand:
    """A command to the heater under ids of its own, unless others are given."""
    number = next(_numbers)
    members: dict[str, Any] = {
        "scope_id": SCOPE,
        "command_id": f"c{number}",
        "request_id": f"r{number}",
        "target_id": HEATER.unique_id,
        "command_type": "heater.set",
        "payload": {"on": True},
        "timeline_mode": "LIVE",
    }
    return SubmitCommand(**(members | given))


def feedback(request: dict[str, Any], message_type: str, body: dict[str, Any]) -> Record:
    """The feedback of a device on a command that it received."""
    ids = ("scopeId", "lane", "systemId", "containerId", "uniqueId")
    names = ("commandId", "targetId", "commandType")
    envelope = {name: request[name] for name in (*ids, *names)}
    told = {"sourceTruthTime": timestamps.text(time.time_ns()), "messageType": message_type}
    where = f"nova.{request['scopeId']}.command.{request['commandId']}:{message_type}.v1"
    return Record(where, msgspec.json.encode({**envelope, **told, **body}))


class Ears:
    """What a device has heard of its scope's commands, decoded."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.addresses: list[str | None] = []
        self._news = asyncio.Event()

    def hear(self, record: Record) -> None:
        """Take in a command."""
        self.heard.append(msgspec.json.decode(record.value))
        self.addresses.append(record.address)
        self._news.set()

    def requests(self) -> list[str]:
        """The requestIds in the order in which they came."""
        return [one["requestId"] for one in self.heard]

    async def until(self, *request_ids: str) -> None:
        """Wait until these have come."""
        async with asyncio.timeout(WAIT_S):
            while not set(request_ids) <= set(self.requests()):
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def listening(
    transport: Transport,
    scope_id: str = SCOPE,
    *,
    ready: asyncio.Event | None = None,
    wait: bool = True,
) -> AsyncIterator[Ears]:
    """Ears on a scope, which hear everything that is dispatched while the block runs, and `ready`
    is set.
    """
    ears, ready = Ears(), ready or asyncio.Event()
    commands = transport.commands(scope_id, ready)

    async def listen() -> None:
        async for record in commands:
            ears.hear(record)

    work = asyncio.create_task(listen())
    try:
        if wait:
            async with asyncio.timeout(WAIT_S):
                await ready.wait()
        yield ears
    finally:
        work.cancel()
        await asyncio.wait((work,))
        if isinstance(commands, AsyncGenerator):
            await commands.aclose()


async def command_lane(client: Client, *message_types: str) -> list[dict[str, Any]]:
    """The events of the command lane in the order of their arrival."""
    filters = Filters(lanes=["command"], message_types=list(message_types) or None)
    query = Query(timebase="canonical", filters=filters)
    return [msgspec.json.decode(event) async for event in client.query(query)]
