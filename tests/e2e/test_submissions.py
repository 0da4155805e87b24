"""Submissions through a whole NOVA: an edge, a reader, a writer, and authorization."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from nova.sdk.client.client import Client, login
from nova.sdk.errors import ProtocolError
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.admin import AddKey, KeyChanged
from nova.sdk.protocol.messages import CursorSet, Filters, Query, SetCursor
from nova.sdk.protocol.note_messages import SubmitNote
from nova.sdk.protocol.submission import AcknowledgeAlarm, Role, SubmitChat
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.commanding import HEATER, SCOPE, command, descriptor, listening

SINCE = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One NOVA of one scope for the module."""
    with running_nova(tmp_path_factory.mktemp("nova") / "data", "--scope", SCOPE) as nova:
        yield nova
        nova.kill()


async def admin(nova: RunningNova) -> Client:
    """The administrator, through the edge."""
    return await Client.to_edge(nova.url, await login(nova.url, "admin", PASSWORD))


async def test_a_command_a_word_and_an_alarm_through_the_edge(nova: RunningNova) -> None:
    """A-168, AMB-65: all three become truth under the name of who is logged in."""
    transport = connect(nova.publish)
    producer = Producer(transport, SCOPE)
    view = producer.observe(HEATER).ui("v", "m", "1.0.0", {"on": False})
    await producer.publish([descriptor()])
    await producer.send([view])
    async with await admin(nova) as client, listening(transport) as ears:
        asked = command()
        ack = await client.submit_command(asked)
        await ears.until(asked.request_id)
        said = await client.submit_chat(
            SubmitChat(scope_id=SCOPE, content="heater is on", timeline_mode="LIVE")
        )
        seen = await client.acknowledge_alarm(
            AcknowledgeAlarm(
                scope_id=SCOPE,
                system_id=HEATER.system_id,
                container_id=HEATER.container_id,
                unique_id=HEATER.unique_id,
                view_id="v",
                key="temperature",
                severity="critical",
                since=SINCE,
                timeline_mode="LIVE",
            )
        )
        query = Query(filters=Filters(scope_ids=[SCOPE]))
        events = [msgspec.json.decode(event) async for event in client.query(query)]
    stored = {event["eventId"]: event for event in events}
    assert stored[ack.event_id]["requestId"] == asked.request_id
    chat, alarm = stored[said.event_id], stored[seen.event_id]
    assert (chat["messageType"], chat["uniqueId"]) == ("ChatMessage", "__scope__")
    assert (chat["authorDisplayName"], chat["content"]) == ("admin", "heater is on")
    assert (alarm["messageType"], alarm["uniqueId"]) == ("AlarmAction", HEATER.unique_id)
    assert alarm["payload"] == {
        "rule": "v:temperature",
        "action": "acknowledge",
        "severity": "critical",
        "since": "2026-01-01T00:00:00.000000000Z",
        "user": "admin",
    }
    assert chat["canonicalTruthTime"] == said.time
    await transport.close()


async def key_of(admin: Client, name: str, role: Role, scope: str) -> str:
    added = await admin.request(AddKey(name=name, role=role, scopes=[scope]), KeyChanged)
    assert added.secret is not None
    return added.secret


async def test_notes_are_for_who_sees_their_scope_and_not_from_a_replay(nova: RunningNova) -> None:
    """Operators write them in LIVE; a key of another scope sees none of them."""
    note = SubmitNote(scope_id=SCOPE, text="battery dip", from_time=SINCE, timeline_mode="LIVE")
    query = Query(filters=Filters(message_types=["UserNote"]))
    async with await admin(nova) as client:
        secrets = {
            "writer": await key_of(client, "writer", "operator", SCOPE),
            "watcher": await key_of(client, "watcher", "viewer", SCOPE),
            "stranger": await key_of(client, "stranger", "operator", "other"),
        }
        async with await Client.to_edge(nova.url, secrets["writer"]) as writer:
            ack = await writer.submit_note(note)
            await writer.request(SetCursor(time=SINCE), CursorSet)
            with pytest.raises(ProtocolError, match="replay") as caught:
                await writer.submit_note(note)
            assert caught.value.code == "replayRefused"
        seen = {}
        for name in ("watcher", "stranger"):
            async with await Client.to_edge(nova.url, secrets[name]) as reader:
                with pytest.raises(ProtocolError) as caught:
                    await reader.submit_note(note)
                assert caught.value.code == "forbidden"
                seen[name] = [msgspec.json.decode(one) async for one in reader.query(query)]
    assert [one["eventId"] for one in seen["watcher"]] == [ack.event_id]
    assert seen["watcher"][0]["payload"]["user"] == "writer"
    assert seen["stranger"] == []
