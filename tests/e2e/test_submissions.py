"""Submissions through a whole NOVA: an edge, a reader, a writer, and authorization."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from nova.sdk.client.client import Client, login
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.submission import AcknowledgeAlarm, SubmitChat
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
