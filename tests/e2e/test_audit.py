"""The audit trail of real processes: every kind, and each entry once over kills of processes."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.events.reserved import AUDIT_CONTAINER, AUDIT_SYSTEM
from nova.sdk.field_types import JsonObject
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, nova_command, running_nova
from tests.core.commanding import SCOPE, descriptor, listening
from tests.e2e.audited import AuditedStep, EdgeProcess, Person, is_told_by, log_in, people, step_of

AUDIT = Filters(system_id=AUDIT_SYSTEM, container_id=AUDIT_CONTAINER)
RECORDED_S = 60.0
PAUSE_S = 1.5
CERTAIN = 0.8
"""The share of actions that must have been done, although replies of some are lost."""


async def audit(nova: RunningNova) -> list[JsonObject]:
    """The audit trail in source order, once nothing more is added to it."""
    async with await Client.to_core(nova.data) as client:
        found: list[bytes] = []
        async with asyncio.timeout(RECORDED_S):
            while True:
                await asyncio.sleep(PAUSE_S)
                before, found = found, [one async for one in client.query(Query(filters=AUDIT))]
                if len(found) == len(before) and found:
                    return [msgspec.json.decode(one) for one in found]


@asynccontextmanager
async def target(nova: RunningNova) -> AsyncIterator[None]:
    """A device that takes commands."""
    device = connect(nova.publish)
    await Producer(device, SCOPE).publish([descriptor()])
    async with listening(device):
        yield
    await device.close()


async def test_logins_commands_of_the_machine_and_secrets(tmp_path: Path) -> None:
    """Failed logins without the tried name, `nova users` with the Unix user, and no secret."""
    guess = "my-secret-typed-as-a-name"
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        async with aiohttp.ClientSession() as http:
            token = await log_in(http, nova.url)
            assert token and await log_in(http, nova.url, "wrong password") is None
            body = msgspec.json.encode({"username": guess, "password": PASSWORD})
            async with http.post(f"{nova.url}/auth/login", data=body) as reply:
                assert reply.status == 401
        data = ("--data", str(nova.data))
        password = b"a long enough password\n"
        added = nova_command("users", "add", "ann", "--scope", SCOPE, *data, stdin=password)
        assert added.returncode == 0, added.stderr
        assert nova_command("users", "set-role", "ann", "operator", *data).returncode == 0
        events = await audit(nova)
        async with await Client.to_edge(nova.url, token) as client:
            seen = [one async for one in client.query(Query(filters=AUDIT))]
        nova.kill()
    assert {event["scopeId"] for event in events} == {SCOPE} and len(seen) == len(events)
    text = b"".join(seen)
    assert not any(secret in text for secret in (PASSWORD.encode(), guess.encode(), token.encode()))
    assert b"a long enough password" not in text and b"argon2" not in text
    logins = [event for event in events if event["messageType"] == "UserLogin"]
    assert [(one["uniqueId"], step_of(one).what) for one in logins] == [
        ("admin", "success"),
        ("unknown", "failure"),
        ("unknown", "failure"),
    ]
    assert [_payload(one).get("user") for one in logins] == [None, "admin", None]
    by_hand = [one for one in events if _payload(one)["principalKind"] == "local"]
    assert [step_of(one).what for one in by_hand] == ["addUser ann", "changeUser ann"]
    assert _payload(by_hand[1])["before"] == {"role": "viewer"}
    assert _payload(by_hand[1])["after"] == {"role": "operator"}


@pytest.mark.parametrize(
    ("principals", "actions", "kills"),
    [(4, 40, 2), pytest.param(20, 1_000, 12, marks=pytest.mark.slow)],
)
async def test_the_trail_is_the_models_over_kills(
    tmp_path: Path, principals: int, actions: int, kills: int
) -> None:
    """Nothing is missing, twice, or out of order, whatever is killed in between."""
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova, ExitStack() as stack:
        edges = [EdgeProcess(nova.data), EdgeProcess(nova.data)]
        for edge in edges:
            stack.callback(edge.kill)
        persons = people(nova.data, edges, principals, seed=17)
        async with target(nova), aiohttp.ClientSession() as http:
            acting = [_act(http, person, actions // principals) for person in persons]
            killing = asyncio.create_task(_kill(nova, edges, kills))
            await asyncio.gather(*acting)
            await killing
        found: dict[str, list[AuditedStep]] = defaultdict(list)
        events = await audit(nova)
        for event in events:
            found[str(event["uniqueId"])].append(step_of(event))
        nova.kill()
    for person in persons:
        assert is_told_by(found[person.name], person.steps), _differing(found, person)
    assert len({str(_payload(event)["auditId"]) for event in events}) == len(events)
    assert sum(len(found[person.name]) for person in persons) >= actions * CERTAIN


async def _act(http: aiohttp.ClientSession, person: Person, actions: int) -> None:
    for _ in range(actions):
        await person.act(http)


async def _kill(nova: RunningNova, edges: list[EdgeProcess], kills: int) -> None:
    """Kill the writer, whose supervisor restarts it, and the edges in turn."""
    dice = random.Random(17)
    for number in range(kills):
        await asyncio.sleep(dice.uniform(0.5, 1.5))
        if number % 3 == 0:
            os.kill(nova.child("writer"), signal.SIGKILL)
            continue
        edge = edges[number % 2]
        edge.kill()
        await asyncio.to_thread(edge.start)


def _differing(found: dict[str, list[AuditedStep]], person: Person) -> str:
    return f"{person.name}\nfound {found[person.name]}\nmodel {person.steps}"


def _payload(event: JsonObject) -> JsonObject:
    payload = event["payload"]
    assert isinstance(payload, dict)
    return payload
