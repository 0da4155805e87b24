"""Imports: events that only a Core writes are stored unchanged over their own message."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from nova.core.server.submission_client import SubmissionClient
from nova.core.store import catalog
from nova.core.submission_messages import Principal
from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.events.event import check
from nova.sdk.protocol.messages import Error, Filters, Query
from nova.sdk.protocol.submission import ImportEvents
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Record
from tests.core.running import Core, running_core
from tests.sdk.events.test_reserved import ANYTHING, METADATA, envelope


def reserved(scope: str = "sat", size: int = 0) -> list[bytes]:
    """One event of each kind that the Core reserves for itself."""
    kinds = [(kind, dict(body)) for kind, body in METADATA]
    kinds[-1][1]["payload"] = {"text": "x" * size}
    return [
        *(envelope(kind, body, scope=scope, system="bus") for kind, body in kinds),
        *(
            envelope(kind, body, scope=scope, lane=lane, system="nova")
            for lane, kind, body in ANYTHING
        ),
    ]


def imported(events: list[bytes]) -> ImportEvents:
    """The request that brings events."""
    return ImportEvents(events=[event.decode() for event in events], timeline_mode="LIVE")


@pytest.fixture
def settings(data: Path) -> Settings:
    """A payload of one scope."""
    return Settings(data=str(data), scope="sat")


async def rejected(core: Core) -> list[tuple[str, str]]:
    """Code and link of all that is in the reject log."""
    archive = core.writer.committer.archive
    count = core.writer.committer.counters.rejects
    rejects = archive.record.rejects()
    rows = [rejects.first(number) or (number, b"") for number in range(count)]
    found = [catalog.decode_reject(stored) for _, stored in rows]
    return [(one.code, one.link) for one in found]


async def test_a_transport_is_refused_and_the_door_is_open(settings: Settings) -> None:
    """Code `reserved` in the reject log, nothing else is held up; by the Core's own
    socket the same events come in with their ids, once.
    """
    events = reserved()
    plain = envelope("Note", {"payload": {}}, scope="sat", system="bus")
    async with running_core(settings) as core:
        receipt = await core.publish([Record(None, event) for event in (*events, plain)])
        assert receipt.new == 1
        assert {one.code for one in receipt.rejected} == {"reserved"}
        log = await rejected(core)
        assert [code for code, _ in log] == ["reserved"] * len(events)
        async with await Client.to_core(core.data) as client:
            first = await client.import_events(imported(events))
            again = await client.import_events(imported(events))
            assert (first.new, first.duplicate, first.rejected) == (len(events), 0, [])
            assert (again.new, again.duplicate) == (0, len(events))
            stored = await core.settled(client, len(events) + 1)
        ids = {msgspec.json.decode(one)["eventId"] for one in stored}
        assert ids == {check(event).event_id.hex() for event in (*events, plain)}
    async with running_core(settings) as core:
        assert core.writer.committer.counters.events == len(events) + 1 + 1  # The import's mark.


async def test_what_was_imported_is_marked_so(settings: Settings) -> None:
    """Content cannot distinguish a forged event from one that this Core wrote; the mark names each
    new one and who imported it, and nothing that was there before.
    """
    events = reserved()
    audit = Query(filters=Filters(system_id="nova", container_id="audit"), timebase="canonical")
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        await client.import_events(imported(events[:1]))
        await client.import_events(imported(events))
        await client.import_events(imported(events))
        await core.settled(client, len(events))
        found = [one async for one in client.query(audit)]
    marks = [msgspec.json.decode(one) for one in found]
    marks = [mark for mark in marks if mark["messageType"] == "EventsImported"]
    ids = [check(event).event_id.hex() for event in events]
    assert [mark["payload"]["eventIds"] for mark in marks] == [ids[:1], ids[1:]]
    assert {mark["payload"]["principalKind"] for mark in marks} == {"local"}


async def test_a_stored_event_comes_back_byte_for_byte(settings: Settings, tmp_path: Path) -> None:
    """Its receive time is the new archive's own."""
    events = reserved()
    other = Settings(data=str(settings.data_folder() / "o"), scope="sat")
    found: list[list[bytes]] = []
    async with running_core(other) as core, await Client.to_core(core.data) as client:
        await client.import_events(imported(events))
        found.append(await core.settled(client, len(events)))
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        ack = await client.import_events(imported(found[0]))
        assert ack.new == len(events)
        found.append(await core.settled(client, len(events)))
    bare = [[one.rpartition(b',"canonicalTruthTime"')[0] for one in half] for half in found]
    assert bare[0] == bare[1]


async def test_what_a_transport_may_bring_does_not_come_by_the_door(settings: Settings) -> None:
    """There is one way to ingest; each refusal has its place, and the rest is taken."""
    events = [
        envelope("Note", {"payload": {}}, scope="sat", system="bus"),
        *reserved()[:1],
        b"no envelope",
        *reserved("other")[:1],
    ]
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        ack = await client.import_events(imported(events))
        assert ack.new == 1
        assert [(one.place, one.code) for one in ack.rejected] == [
            (0, "notReserved"),
            (2, "malformed"),
            (3, "idConflict"),
        ]
        assert await rejected(core) == [(one.code, "import") for one in ack.rejected]


async def test_large_events_come_too(settings: Settings) -> None:
    """An archive holds what an envelope may be, which is more than other requests are."""
    large = reserved(size=900_000)
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        assert (await client.import_events(imported(large))).new == len(large)


@pytest.mark.parametrize(
    ("asker", "code"),
    [
        (Principal("ann", "viewer", "c"), "forbidden"),
        (Principal("ann", "operator", "c"), "forbidden"),
        (Principal("ann", "admin", "c", True), "replayRefused"),
    ],
)
async def test_only_administrators_import(settings: Settings, asker: Principal, code: str) -> None:
    """And not out of a replay, like everything that is submitted."""
    async with running_core(settings) as core:
        submitter = SubmissionClient(endpoints.writer_socket(core.data))
        try:
            reply = await submitter.submit(asker, imported(reserved()))
            assert isinstance(reply, Error) and reply.code == code
            assert core.writer.committer.counters.events == 0
        finally:
            await submitter.close()


async def test_imports_at_once_store_each_event_once(settings: Settings) -> None:
    """They are entries like others: between two only one finds an event new."""
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        acks = await asyncio.gather(*(client.import_events(imported(reserved())) for _ in range(4)))
        assert sum(ack.new for ack in acks) == len(reserved())
        marks = sum(ack.new > 0 for ack in acks)
        assert core.writer.committer.counters.events == len(reserved()) + marks


async def test_an_import_has_its_limits(settings: Settings) -> None:
    """None and too many are refused as requests."""
    async with running_core(settings) as core, await Client.to_core(core.data) as client:
        for events in ([], reserved()[:1] * 501):
            with pytest.raises(ProtocolError, match="badRequest"):
                await client.import_events(imported(events))
