"""Alarms through a whole NOVA: rules in files, values over a transport, operators at the edge."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from nova.cli.alarms_command import alarms as alarms_command
from nova.sdk.client.client import Client, login
from nova.sdk.errors import ProtocolError
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.alarm_messages import (
    ActOnAlarm,
    AlarmHistory,
    AlarmInfo,
    Alarms,
    FollowAlarms,
)
from nova.sdk.protocol.messages import Filters
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.core.commanding import HEATER, SCOPE
from tests.e2e.alarm_instance import nova_with_rules

RULES = """
[[rules]]
ruleId = "volts"
title = "Heater voltage"
messageType = "Power"
field = "volts"
ranges.warning = { low = 24 }
ranges.critical = { low = 22 }
"""
WAIT_S = 60.0
ENTITY: dict[str, Any] = {
    "scope_id": SCOPE,
    "system_id": HEATER.system_id,
    "container_id": HEATER.container_id,
    "unique_id": HEATER.unique_id,
}


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with nova_with_rules(tmp_path_factory, RULES) as nova:
        yield nova


class Operator:
    """A client at the edge, and a producer of voltages."""

    def __init__(self, client: Client, producer: Producer) -> None:
        self._client = client
        self._producer = producer

    async def measure(self, volts: float) -> None:
        await self._producer.send(
            [self._producer.observe(HEATER).parsed("Power", {"volts": volts}, "1")]
        )

    async def until(self, holds: Callable[[AlarmInfo], bool]) -> AlarmInfo:
        """The alarm, once it is as expected."""
        async with asyncio.timeout(WAIT_S):
            while True:
                page = await self._client.alarms(Alarms(listing="all"))
                if page.alarms and holds(page.alarms[0]):
                    return page.alarms[0]
                await asyncio.sleep(0.1)

    async def act(self, alarm: AlarmInfo, action: str, **members: Any) -> str:
        """Do something with the alarm; returns when, in canonical time."""
        if action == "acknowledge":
            members |= {"since": alarm.since, "severity": alarm.severity}
        asked = {**ENTITY, "rule": alarm.rule, "action": action, "timeline_mode": "LIVE", **members}
        return (await self._client.act_on_alarm(ActOnAlarm(**asked))).time


async def received(client: Client, shown: list[AlarmInfo], ending: asyncio.Event) -> None:
    """Follow the alarms of the present until they are as wanted."""
    follow = FollowAlarms(follow_id="f", filters=Filters(unique_id=HEATER.unique_id))
    async with contextlib.aclosing(client.live_alarms(follow)) as updates:
        async for update in updates:
            shown += update.alarms
            if ending.is_set() and shown and shown[-1].state == "cleared":
                return


async def until_shown(shown: list[AlarmInfo], state: str) -> None:
    """Wait until a follower has got a state: it gets the last one of each moment."""
    async with asyncio.timeout(WAIT_S):
        while not shown or shown[-1].state != state:
            await asyncio.sleep(0.02)


async def test_an_alarm_is_raised_acknowledged_and_shelved_and_its_past_stays(
    nova: RunningNova,
) -> None:
    transport = connect(nova.publish)
    producer = Producer(transport, SCOPE)
    async with await Client.to_edge(nova.url, await login(nova.url, "admin", PASSWORD)) as client:
        operator = Operator(client, producer)
        shown, ending = list[AlarmInfo](), asyncio.Event()
        following = asyncio.create_task(received(client, shown, ending))
        await operator.measure(23.0)
        raised = await operator.until(lambda alarm: alarm.state == "raised")
        assert (raised.rule, raised.title, raised.severity, raised.value) == (
            "volts",
            "Heater voltage",
            "warning",
            23.0,
        )
        await until_shown(shown, "raised")
        seen = await operator.act(raised, "acknowledge", comment="on it")
        known = await operator.until(lambda alarm: alarm.state == "acknowledged")
        assert (known.acknowledged_by, known.comment) == ("admin", "on it")
        await until_shown(shown, "acknowledged")
        await operator.measure(21.0)
        await operator.until(lambda alarm: alarm.state == "raised")
        await operator.act(raised, "shelve")
        shelved = await operator.until(lambda alarm: alarm.shelved)
        assert (shelved.severity, shelved.shelved_by) == ("critical", "admin")
        page = await client.alarms(Alarms())
        assert page.alarms == [], "a shelved alarm is not active"
        assert [(one.scope_id, one.shelved) for one in page.counts] == [(SCOPE, 1)]
        await operator.measure(25.0)
        await operator.until(lambda alarm: alarm.state == "cleared")
        ending.set()
        async with asyncio.timeout(WAIT_S):
            await following
        assert (shown[-1].state, shown[-1].shelved) == ("cleared", True)
        assert {"raised", "acknowledged"} <= {one.state for one in shown}
        then = await client.alarms(Alarms(time=seen, timebase="canonical"))
        assert [one.state for one in then.alarms] == ["acknowledged"]
        await assert_history(client)
        await assert_refusals(operator, raised)
    await transport.close()


async def assert_history(client: Client) -> None:
    """All transitions, one page after the other."""
    request = AlarmHistory(timebase="canonical", limit=2)
    changes: list[str] = []
    async with asyncio.timeout(WAIT_S):
        while len(changes) < 5:
            page = await client.alarm_history(request)
            changes += [one.change for one in page.transitions]
            assert all(one.event_id for one in page.transitions)
            request.after_key = page.resume_key
    assert changes == ["raised", "acknowledged", "worsened", "shelved", "cleared"]
    followed: list[str] = []
    async for page in client.follow_alarms(AlarmHistory(limit=3)):
        followed += [one.change for one in page.transitions]
        if len(followed) == len(changes):
            break
    assert followed == changes
    with pytest.raises(ProtocolError, match="badKey"):
        await client.alarm_history(AlarmHistory(after_key="no key"))


async def assert_refusals(operator: Operator, alarm: AlarmInfo) -> None:
    for action, members, reason in (
        ("comment", {}, "action 'comment' needs comment"),
        ("shelve", {"until": "soon"}, "badTime: until"),
        ("shelve", {"until": "2026-01-01T00:00:00Z"}, "badTime: until .* is past"),
        ("enable", {"unique_id": "nobody"}, "unknownTarget: sat/bus/thermal/nobody"),
        ("enable", {"rule": "nothing"}, "unknownTarget: .* has no alarm of rule 'nothing'"),
    ):
        with pytest.raises(ProtocolError, match=reason):
            await operator.act(alarm, action, **members)


def test_the_command_prints_states_and_history(nova: RunningNova) -> None:
    def printed(*arguments: str) -> str:
        found = CliRunner().invoke(
            alarms_command,
            [*arguments, "--url", nova.url, "--user", "admin"],
            env={"NOVA_PASSWORD": PASSWORD},
            catch_exceptions=False,
        )
        assert found.exit_code == 0, found.output
        return found.stdout

    (line,) = printed("--listing", "shelved", "--json").splitlines()
    assert json.loads(line)["state"] == "cleared"
    assert "sat: 0 raised, 0 acknowledged, 0 cleared, 1 shelved" in printed()
    changes = [text.split()[1] for text in printed("--history").splitlines()]
    assert changes == ["raised", "acknowledged", "worsened", "shelved", "cleared"]
