"""Entries of the audit trail reach the writer from the instance only, and each is stored once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec
import pytest

from nova.core.errors import RequestError
from nova.core.server.audit_intake import AuditRecorder
from nova.core.server.submission_client import SubmissionClient
from nova.core.submission_messages import Principal, RecordAudit
from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.events.audit_entry import AUDIT_PATH, AuditEntry, new_entry
from nova.sdk.events.reserved import AUDIT_CONTAINER, AUDIT_SYSTEM
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.export import Export, ExportStarted
from nova.sdk.protocol.messages import Error, Filters, Query
from tests.core.running import WAIT_S, Core

AUDIT = Filters(system_id=AUDIT_SYSTEM, container_id=AUDIT_CONTAINER)
URL = f"http://localhost{AUDIT_PATH}"


def entries(count: int, principal: str = "ann") -> list[AuditEntry]:
    return [new_entry("AdminAction", principal, "user", {"n": number}) for number in range(count)]


async def post(core: Core, body: bytes, **headers: str) -> tuple[int, bytes]:
    """Status and body of a post to the reader's socket."""
    connector = aiohttp.UnixConnector(str(endpoints.reader_socket(core.data)))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(URL, data=body, headers=headers) as reply,
    ):
        return reply.status, await reply.read()


async def stored(core: Core) -> list[JsonObject]:
    """The audit trail in the order of its arrival."""
    async with await Client.to_core(core.data) as client:
        query = Query(timebase="canonical", filters=AUDIT)
        return [msgspec.json.decode(event) async for event in client.query(query)]


async def until_stored(core: Core, count: int) -> list[JsonObject]:
    async with asyncio.timeout(WAIT_S):
        while len(found := await stored(core)) < count:
            await asyncio.sleep(0.01)
    return found


async def test_entries_are_stored_in_order_and_once(core: Core) -> None:
    """Handed over again, as after a lost reply, they are the same events."""
    body = msgspec.json.encode(entries(5) + entries(1, "a.b$c"))
    for _ in range(2):
        status, reply = await post(core, body)
        assert status == 200 and msgspec.json.decode(reply)["refused"] == []
    found = await until_stored(core, 6)
    assert [event["uniqueId"] for event in found] == ["ann"] * 5 + ["a_b_c"]
    payloads = [event["payload"] for event in found]
    assert all(isinstance(one, dict) for one in payloads)
    assert payloads[5]["principal"] == "a.b$c"  # type: ignore[index]
    assert [one["n"] for one in payloads] == [0, 1, 2, 3, 4, 0]  # type: ignore[index]


async def test_an_entry_that_cannot_be_an_event_does_not_hold_up_the_others(core: Core) -> None:
    first, bad, last = entries(3)
    bad = msgspec.structs.replace(bad, time="yesterday")
    status, reply = await post(core, msgspec.json.encode([first, bad, last]))
    (refused,) = msgspec.json.decode(reply)["refused"]
    assert status == 200 and refused["place"] == 1
    assert len(await until_stored(core, 2)) == 2


async def test_no_client_writes_the_trail(core: Core) -> None:
    """Not as an edge's client, not as a message of the protocol, and not through the writer."""
    body = msgspec.json.encode(entries(1))
    assert (await post(core, body, **{"Nova-User": "ann", "Nova-Role": "admin"}))[0] == 403
    assert (await post(core, b"{}"))[0] == 400
    async with core.frames() as frames:
        await frames.send('{"type":"recordAudit","entries":[]}')
        reply = await frames.receive()
        assert isinstance(reply, Error) and reply.code == "badRequest"
    client = SubmissionClient(endpoints.writer_socket(core.data))
    for principal in (Principal("nova", "admin"), Principal("nova", "admin", kind="local")):
        request = RecordAudit(entries=entries(1))
        answer = await client.submit(principal, request)  # type: ignore[arg-type]
        assert isinstance(answer, Error) and answer.code == "forbidden"
    await client.close()
    assert await stored(core) == []


async def test_an_export_is_recorded_when_it_is_requested(core: Core) -> None:
    """By its principal, with its range and filters, and without the id that opens it."""
    async with core.frames() as frames:
        await frames.send(Export(filters=Filters(scope_ids=["sat"])))
        (started,) = await frames.until(ExportStarted)
        assert isinstance(started, ExportStarted)
    (event,) = await until_stored(core, 1)
    assert event["messageType"] == "ExportRequested"
    payload = event["payload"]
    assert isinstance(payload, dict) and payload["principalKind"] == "local"
    assert payload["export"] == started.export_id[:8] and started.export_id not in str(event)
    assert payload["filters"] == {"scopeIds": ["sat"]}


async def test_what_cannot_be_recorded_is_refused(tmp_path: Path) -> None:
    """A reader whose writer is away asks for a while, and then says so."""
    async with AsyncExitStack() as stack:
        client = SubmissionClient(tmp_path / "nowhere.sock")
        stack.push_async_callback(client.close)
        recorder = AuditRecorder(client, wait_s=0.3, retry_s=0.05)
        with pytest.raises(RequestError) as caught:
            await recorder.record(entries(1)[0])
    assert caught.value.code == "writerAway"
