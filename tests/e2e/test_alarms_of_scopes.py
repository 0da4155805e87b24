"""Two scopes with the same rules: states, counts, rights and notifications are apart, and each is
notified of once, whatever happens to the notifier.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from nova.sdk import timestamps
from nova.sdk.alarms.sent_notification import NOTIFICATION_SENT
from nova.sdk.client.client import Client
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.admin import AddKey, KeyChanged
from nova.sdk.protocol.alarm_messages import ActOnAlarm, AlarmHistory, AlarmInfo, Alarms
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.protocol.timeline import Find
from nova.sdk.timestamps import NS_MAX, NS_PER_SECOND
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.notifications.receiving import SECRET, ReceivedMessages, receiving_webhook

RULES = """
[[rules]]
ruleId = "volts"
messageType = "Power"
field = "volts"
ranges.warning = { low = 20.0 }
"""
TARGET = """
[[targets]]
name = "%s"
webhook = "%s"
secret = "%s"
"""
ROUTES = """
[[rules]]
name = "of-a"
targets = ["crew-a"]
scopes = ["a"]
groupS = 2
escalate = { afterS = %d, targets = ["lead"] }

[[rules]]
name = "of-b"
targets = ["crew-b", "crew-a"]
scopes = ["b"]

[[rules]]
name = "everything"
targets = ["crew-a", "crew-b"]
groupS = 2
"""
ESCALATE_S = 5
WAIT_S = 240.0
"""The sampler has the lowest priority, and judges late on a busy machine."""

SETTLE_S = 2.0
UNITS = ("one", "two", "three")


class TwoScopes:
    """A running archive on the ground, its admin, and somebody who may see scope a alone."""

    def __init__(
        self, nova: RunningNova, received: ReceivedMessages, admin: Client, limited: Client
    ) -> None:
        self.nova = nova
        self.received = received
        self.admin = admin
        self.limited = limited

    async def measure(self, scope: str, volts: float, *units: str) -> None:
        transport = connect(self.nova.publish)
        async with Producer(transport, scope) as producer:
            for unit in units:
                at = producer.observe(Entity("bus", "eps", unit))
                await producer.send([at.parsed("Power", {"volts": volts})])
        await transport.close()

    async def until(self, holds: Callable[[dict[tuple[str, str], AlarmInfo]], bool]) -> None:
        """Until the alarms, by scope and unit, are as expected."""
        async with asyncio.timeout(WAIT_S):
            while True:
                page = await self.admin.alarms(Alarms(listing="all"))
                if holds({(one.scope_id, one.unique_id): one for one in page.alarms}):
                    return
                await asyncio.sleep(0.1)

    async def acknowledge(self, client: Client, scope: str, unit: str) -> str:
        """Acknowledge an alarm; returns when, in canonical time."""
        ids: dict[str, Any] = {
            "scope_id": scope,
            "system_id": "bus",
            "container_id": "eps",
            "unique_id": unit,
        }
        page = await self.admin.alarms(Alarms(filters=Filters(scope_ids=[scope], unique_id=unit)))
        (alarm,) = page.alarms
        seen: dict[str, Any] = {"since": alarm.since, "severity": alarm.severity}
        asked = ActOnAlarm(rule="volts", action="acknowledge", timeline_mode="LIVE", **ids, **seen)
        return (await client.act_on_alarm(asked)).time

    def kill_notifier(self) -> None:
        with suppress(NovaError, ProcessLookupError):
            os.kill(self.nova.child("notifier"), signal.SIGKILL)

    async def until_received(self, kind: str, count: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while len(self.sent(kind)) < count:
                await asyncio.sleep(0.1)

    def raised_ns(self, scope: str, unit: str) -> int:
        """When an alarm was raised, in canonical time, by the messages about it."""
        alarms = [one for body in self.received.bodies for one in body["alarms"]]
        times = [
            timestamps.parse(one["raisedTime"])
            for one in alarms
            if (one["scopeId"], one["uniqueId"]) == (scope, unit)
        ]
        return min(times, default=NS_MAX)

    def sent(self, kind: str) -> Counter[tuple[str, str, str]]:
        """How often a target got a message of a kind about an alarm: target, scope and unit."""
        bodies = dict(zip(self.received.ids, self.received.bodies, strict=True)).values()
        return Counter(
            (body["target"], alarm["scopeId"], alarm["uniqueId"])
            for body in bodies
            if body["kind"] == kind
            for alarm in body["alarms"]
        )


@asynccontextmanager
async def two_scopes(folder: Path) -> AsyncIterator[TwoScopes]:
    async with receiving_webhook() as received:
        (folder / "rules").mkdir()
        (folder / "rules" / "power.toml").write_text(RULES)
        targets = [TARGET % (name, received.url, SECRET) for name in ("crew-a", "crew-b", "lead")]
        (folder / "notifications.toml").write_text("".join(targets) + ROUTES % ESCALATE_S)
        config = folder / "nova.toml"
        config.write_text(
            f'mode = "ground"\nalarm_rules = "{folder}/rules"\n'
            f'notifications = "{folder}/notifications.toml"\n'
        )
        with running_nova(folder / "data", "--config", str(config)) as nova:
            async with await Client.log_in(nova.url, "admin", PASSWORD) as admin:
                wanted = AddKey(name="crew", role="operator", scopes=["a"])
                added = await admin.request(wanted, KeyChanged)
                assert added.secret is not None
                async with await Client.to_edge(nova.url, added.secret) as limited:
                    yield TwoScopes(nova, received, admin, limited)
            nova.kill()


async def notifier_is_up(nova: RunningNova) -> None:
    """Alarms that were raised before are not notified of."""
    async with asyncio.timeout(WAIT_S):
        while not (nova.data / "notifications" / "ledger.sqlite-wal").exists():
            await asyncio.sleep(0.1)
    await asyncio.sleep(1)


async def test_scopes_are_apart_and_each_raising_reaches_its_people_once(tmp_path: Path) -> None:
    async with two_scopes(tmp_path) as two:
        await notifier_is_up(two.nova)
        await two.measure("a", 12.0, *UNITS)
        await two.measure("b", 12.0, "one")
        await two.measure("b", 25.0, "two")
        await two.until(lambda found: len(found) == 5)
        two.kill_notifier()
        acknowledged = await two.acknowledge(two.limited, "a", "one")
        await two.until(lambda found: found["a", "one"].state == "acknowledged")
        await assert_apart(two)
        await assert_limited(two)
        await two.until_received("raised", 6)
        two.kill_notifier()
        await two.until_received("escalated", 2)
        await asyncio.sleep(SETTLE_S)
        of_a = {("crew-a", "a", unit): 1 for unit in UNITS}
        # It was acknowledged maybe before it was sent.
        optional = {("crew-a", "a", "one"): 1, ("crew-b", "a", "one"): 1}
        also = {("crew-b", "a", unit): 1 for unit in UNITS}
        of_b = {("crew-a", "b", "one"): 1, ("crew-b", "b", "one"): 1}
        assert two.sent("raised") | Counter(optional) == Counter({**of_a, **also, **of_b})
        escalated = {("lead", "a", unit): 1 for unit in UNITS[1:]}
        if timestamps.parse(acknowledged) > two.raised_ns("a", "one") + ESCALATE_S * NS_PER_SECOND:
            escalated["lead", "a", "one"] = 1  # Too late, as on a busy machine.
        assert two.sent("escalated") <= Counter(escalated)
        assert not two.received.faults
        await assert_recorded(two)


async def assert_apart(two: TwoScopes) -> None:
    """The alarm of the same entity and rule in the other scope is as it was, and counts so."""
    page = await two.admin.alarms(Alarms(listing="all"))
    states = {(one.scope_id, one.unique_id): one.state for one in page.alarms}
    assert states["a", "one"] == "acknowledged" and states["b", "one"] == "raised"
    counts = {one.scope_id: (one.raised, one.acknowledged, one.normal) for one in page.counts}
    assert counts == {"a": (2, 1, 0), "b": (1, 0, 1)}


async def assert_limited(two: TwoScopes) -> None:
    """Who may see scope a sees, and changes, nothing of scope b."""
    page = await two.limited.alarms(Alarms(listing="all"))
    assert {one.scope_id for one in page.alarms} == {"a"} == {one.scope_id for one in page.counts}
    named = await two.limited.alarms(Alarms(listing="all", filters=Filters(scope_ids=["b"])))
    assert (named.alarms, named.counts) == ([], [])
    history = await two.limited.alarm_history(AlarmHistory())
    assert {one.alarm.scope_id for one in history.transitions} == {"a"}
    assert len((await two.admin.alarm_history(AlarmHistory())).transitions) == 5
    with pytest.raises(ProtocolError, match="forbidden"):
        await two.acknowledge(two.limited, "b", "one")
    found = {scope: len((await two.limited.find(find_in(scope))).findings) for scope in ("a", "b")}
    assert found == {"a": 1, "b": 0}
    assert len((await two.admin.find(find_in("b"))).findings) == 1
    assert (await two.limited.status()).configured == []


def find_in(scope: str) -> Find:
    ids: dict[str, Any] = {"system_id": "bus", "container_id": "eps", "unique_id": "one"}
    of: dict[str, Any] = {"lane": "parsed", "message_type": "Power", "field": "volts"}
    return Find(scope_id=scope, **ids, **of, condition="below", value=20.0)


async def assert_recorded(two: TwoScopes) -> None:
    """Each message is an event in the scope of its alarms, which others do not see."""
    filters = Filters(message_types=[NOTIFICATION_SENT])
    async with asyncio.timeout(WAIT_S):
        while True:
            whole = [event async for event in two.admin.query(Query(filters=filters))]
            if len(whole) == len(set(two.received.ids)):
                break
            await asyncio.sleep(0.2)
    seen = [event async for event in two.limited.query(Query(filters=filters))]
    assert len(seen) == sum(b'"scopeId":"a"' in event for event in whole)
    assert all(b'"scopeId":"a"' in event for event in seen) and len(seen) < len(whole)
