"""Principals who act through edges that are killed, and what the audit trail must say of each."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

import aiohttp
import msgspec
from aiohttp import WSMsgType

from nova.edge.key_store import KeyStore
from nova.edge.session_reply import LoginReply
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol import messages
from nova.sdk.protocol.admin import AddKey, KeyChanged, KeysResponse, ListKeys, RevokeKey
from nova.sdk.protocol.export import Export, ExportComplete, ExportStarted
from nova.sdk.protocol.messages import Auth, Authenticated, Error, Filters, Message
from nova.sdk.protocol.submission import CommandAck
from nova.testkit.command_fork import start_command
from nova.testkit.running_nova import PASSWORD
from tests.core.commanding import command

WAIT_S = 30.0
RETRY_S = 0.1
MessageT = TypeVar("MessageT", bound=Message)
REFUSED = ("writerAway", "coreUnavailable", "rateLimited")
NOT_BEGUN = "tooManyExports"
LOST = (aiohttp.ClientError, OSError, TimeoutError)


class EdgeProcess:
    """An edge that can be killed; the next one takes its place under another URL."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.start()

    def start(self) -> None:
        """Start it, and return when it is ready."""
        arguments = ("edge", "--data", str(self._data), "--listen", "127.0.0.1:0")
        with open(os.devnull, "wb") as nowhere:
            self._process = start_command(
                *arguments, "--exit-with-stdin", environment=os.environ, stderr=nowhere
            )
        assert self._process.stdout is not None
        self.url = msgspec.json.decode(self._process.stdout.readline(), type=dict[str, str])["url"]

    def kill(self) -> None:
        """End it as a power cut does."""
        with self._process:
            self._process.kill()


class AuditedStep(NamedTuple):
    """An entry of the model; `is_certain` is false if the reply of the action was lost."""

    kind: str
    what: str
    is_certain: bool = True


class LostError(OSError):
    """The connection ended before the reply."""


class NotBegunError(LostError):
    """The action was certainly not begun."""


@dataclass
class Person:
    """An admin's API key that acts over any of the edges, one action after the other."""

    name: str
    secret: str
    edges: Sequence[EdgeProcess]
    dice: random.Random
    steps: list[AuditedStep] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    made: int = 0

    async def act(self, http: aiohttp.ClientSession) -> None:
        """Do one thing, and note what it must have left."""
        actions = (self._add_key, self._add_key, self._revoke_key, self._command, self._export)
        await self.dice.choice(actions)(http)

    async def _add_key(self, http: aiohttp.ClientSession) -> None:
        self.made += 1
        name = f"{self.name}-{self.made}"
        await self._change(http, AddKey(name=name, role="viewer"), name, is_there=True)
        self.keys.append(name)
        self.steps.append(AuditedStep("AdminAction", f"addKey {name}"))

    async def _revoke_key(self, http: aiohttp.ClientSession) -> None:
        if not self.keys:
            return await self._add_key(http)
        name = self.keys.pop(self.dice.randrange(len(self.keys)))
        await self._change(http, RevokeKey(name=name), name, is_there=False)
        self.steps.append(AuditedStep("AdminAction", f"revokeKey {name}"))
        return None

    async def _change(
        self, http: aiohttp.ClientSession, change: Message, name: str, *, is_there: bool
    ) -> None:
        """Make a change; after a lost reply, look whether it was made before it is repeated."""
        while True:
            try:
                await self._request(http, change, KeyChanged)
                return
            except LOST:
                await asyncio.sleep(RETRY_S)
            while True:
                try:
                    found = await self._request(http, ListKeys(), KeysResponse)
                    break
                except LOST:
                    await asyncio.sleep(RETRY_S)
            if any(key.name == name for key in found.keys) == is_there:
                return

    async def _command(self, http: aiohttp.ClientSession) -> None:
        asked = command()
        while True:
            try:
                await self._request(http, asked, CommandAck)
                break
            except LOST:  # With the same requestId, so it is recorded once.
                await asyncio.sleep(RETRY_S)
        self.steps.append(AuditedStep("CommandSubmitted", asked.request_id))

    async def _export(self, http: aiohttp.ClientSession) -> None:
        while True:
            try:
                await self._export_once(http)
                return
            except NotBegunError:  # Others export; this one is not recorded, so it is repeated.
                await asyncio.sleep(RETRY_S)

    async def _export_once(self, http: aiohttp.ClientSession) -> None:
        asked = Export(filters=Filters(scope_ids=["sat"], lanes=["command"]))
        edge, is_started = self.dice.choice(self.edges), False
        try:
            async with http.ws_connect(f"{edge.url}/ws") as socket:
                await _ask(socket, Auth(token=self.secret), Authenticated)
                await socket.send_str(messages.encode(asked).decode())
                started = await _reply(socket, ExportStarted)
                is_started = True
                self.steps.append(
                    AuditedStep("ExportRequested", f"request {started.export_id[:8]}")
                )
                while not isinstance(done := await _next(socket), ExportComplete):
                    pass
        except NotBegunError:
            raise
        except LOST:
            if not is_started:
                self.steps.append(AuditedStep("ExportRequested", "request", is_certain=False))
            return
        assert done.url is not None
        headers = {"Authorization": f"Bearer {self.secret}"}
        step = AuditedStep("ExportRequested", f"download {started.export_id[:8]}")
        try:
            async with http.get(edge.url + done.url, headers=headers) as reply:
                assert reply.status == 200
        except LOST:
            step = step._replace(is_certain=False)
        self.steps.append(step)

    async def _request(
        self, http: aiohttp.ClientSession, message: Message, reply: type[MessageT]
    ) -> MessageT:
        edge = self.dice.choice(self.edges)
        async with http.ws_connect(f"{edge.url}/ws") as socket:
            await _ask(socket, Auth(token=self.secret), Authenticated)
            return await _ask(socket, message, reply)


Socket = aiohttp.ClientWebSocketResponse[bool]


async def _ask(socket: Socket, message: Message, reply: type[MessageT]) -> MessageT:
    await socket.send_str(messages.encode(message).decode())
    return await _reply(socket, reply)


async def _reply(socket: Socket, reply: type[MessageT]) -> MessageT:
    found = await _next(socket)
    assert isinstance(found, reply), found
    return found


async def _next(socket: Socket) -> messages.Reply:
    """The next frame; what says that a process is away counts as lost."""
    message = await socket.receive(timeout=WAIT_S)
    if message.type is not WSMsgType.TEXT:
        raise LostError("the edge is gone")
    found = messages.decode_reply(message.data)
    if isinstance(found, Error) and found.code == NOT_BEGUN:
        raise NotBegunError(found.code)
    if isinstance(found, Error) and found.code in REFUSED:
        raise LostError(found.code)
    return found


def people(data: Path, edges: Sequence[EdgeProcess], count: int, seed: int) -> list[Person]:
    """Principals with keys of their own."""
    found = []
    with KeyStore(data / "edge") as keys:
        for number in range(count):
            name = f"person{number}"
            secret = keys.add(name, "admin", "admin")
            assert secret is not None
            found.append(Person(name, secret, edges, random.Random(seed + number)))
    return found


async def log_in(http: aiohttp.ClientSession, url: str, password: str = PASSWORD) -> str | None:
    """The token of the admin; None if the password is wrong."""
    body = msgspec.json.encode({"username": "admin", "password": password})
    async with http.post(f"{url}/auth/login", data=body) as reply:
        if reply.status == 401:
            return None
        return msgspec.json.decode(await reply.read(), type=LoginReply).token


def step_of(event: JsonObject) -> AuditedStep:
    """What an audit event says, as the model has it."""
    kind, payload = event["messageType"], event["payload"]
    assert isinstance(kind, str) and isinstance(payload, dict)
    if kind == "AdminAction":
        return AuditedStep(kind, f"{payload['action']} {payload['target']}")
    if kind == "ExportRequested":
        return AuditedStep(kind, f"{payload['action']} {payload['export']}")
    return AuditedStep(kind, str(payload.get("requestId", payload.get("outcome"))))


def is_told_by(found: Sequence[AuditedStep], expected: Sequence[AuditedStep]) -> bool:
    """Whether the found steps are the expected ones in order, less any of the uncertain ones."""
    places = {0}  # Of the found steps, how many the expected ones so far may have published.
    for step in expected:
        told = {place + 1 for place in places if place < len(found) and _is(found[place], step)}
        places = told if step.is_certain else told | places
    return len(found) in places


def _is(found: AuditedStep, step: AuditedStep) -> bool:
    """Whether a found step is this one; an export without a reply has no name."""
    if step.is_certain:
        return found == step
    return found.kind == step.kind and found.what.startswith(step.what)
