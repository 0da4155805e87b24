"""What a client reads of followed alarms: of each the last, in however many messages it came."""

from __future__ import annotations

import pytest

from nova.sdk.client.live_alarm_queue import LiveAlarmQueue
from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol.alarm_messages import AlarmInfo, AlarmUpdates


def alarm(rule: str, value: float) -> AlarmInfo:
    return AlarmInfo(
        rule=rule,
        scope_id="sat",
        lane="parsed",
        system_id="bus",
        container_id="eps",
        unique_id="a",
        message_type="Power",
        field="volts",
        state="raised",
        value=value,
    )


def updates(*alarms: AlarmInfo, whole: bool = False, follow_id: str = "f") -> AlarmUpdates:
    return AlarmUpdates(follow_id=follow_id, time="t", whole=whole, alarms=list(alarms))


async def test_a_slow_reader_gets_the_last_of_each_alarm_in_one_message() -> None:
    queue = LiveAlarmQueue("f")
    queue.receive(updates(alarm("a", 1.0), alarm("b", 1.0), whole=True))
    queue.receive(updates(alarm("b", 2.0), alarm("c", 2.0)))
    queue.receive(updates(alarm("a", 9.0), follow_id="before"))
    message = await queue.next()
    assert message.whole
    assert [(one.rule, one.value) for one in message.alarms] == [("a", 1), ("b", 2), ("c", 2)]
    queue.receive(updates(alarm("b", 3.0)))
    queue.receive(updates(alarm("d", 4.0), whole=True))
    assert [one.rule for one in (await queue.next()).alarms] == ["d"], "those before are void"
    queue.receive(updates(alarm("e", 5.0)))
    queue.fail(ConnectionLostError("gone"))
    assert [one.rule for one in (await queue.next()).alarms] == ["e"]
    with pytest.raises(ConnectionLostError):
        await queue.next()
