"""Values that alarms ignore are skipped, and late ones among them that are not are found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from nova.core.derived.alarm_limits import AlarmLimits
from nova.core.ordering import TIMEBASES
from nova.core.store.alarm_store import AlarmStore
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.field_types import JsonObject
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import (
    SCOPE,
    START_NS,
    AlarmedArchive,
    DrawnAlarmEvent,
    visible,
)

RULE = AlarmRule(
    rule_id="volts-low",
    message_type="Power",
    field="volts",
    ranges={"warning": Bounds(low=3, high=9e15), "critical": Bounds(low=1)},
    clear_margin=0.5,
)
FEW_MARKS = AlarmLimits(mark_inputs=20, disorder_inputs=3)


@pytest.fixture
def archived() -> Iterator[AlarmedArchive]:
    with ExitStack() as stack:
        archived = AlarmedArchive(stack, FEW_MARKS)
        archived.record([DrawnAlarmEvent(START_NS, "a", {}, ("volts-low", RULE, START_NS))], 1)
        yield archived


def values(*dated: tuple[int, object]) -> list[DrawnAlarmEvent]:
    return [
        DrawnAlarmEvent(START_NS + second * SECOND, "a", body(value)) for second, value in dated
    ]


def body(value: object) -> JsonObject:
    payload = {"volts": value}
    return {"lane": "parsed", "messageType": "Power", "schemaVersion": "1", "payload": payload}


def assert_by_hand(archived: AlarmedArchive) -> int:
    """All transitions in both timebases; returns how many."""
    count = 0
    with ExitStack() as stack:
        view = archived.view(stack)
        for timebase in TIMEBASES:
            last_ns = START_NS + 10**12
            expected = archived.by_hand(view.names[0], timebase, last_ns)
            ((_, alarm),) = view.alarms_at(timebase, [0], last_ns)
            assert visible(alarm) == expected.visible()
            found = view.transitions(timebase, [0], -(2**63), last_ns)
            changes = [
                (one.time_ns, one.change, one.alarm.state, one.alarm.rank) for _, _, one in found
            ]
            assert changes == expected.changes
            count += len(changes)
        assert view.names[0].rule_scope == SCOPE
    return count


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_late_value_among_ignored_ones_raises_and_clears(
    archived: AlarmedArchive, is_killed: bool
) -> None:
    for second in range(10, 200, 10):
        archived.record(values((second, 5)), 1)
        archived.make()
    if is_killed:
        archived.close()
    archived.record(values((35, 2), (45, "text"), (95, 4)), 1)
    archived.make()
    assert assert_by_hand(archived) == 2 * 2, "raised and cleared in both timebases"
    archived.record(values((33, 0), (34, 4)), 1)
    archived.record(values((210, 4)), 1)
    archived.make()
    assert assert_by_hand(archived) == 8
    live = archived.digest()
    archived.make(anew=True)
    assert archived.digest() == live


def action(second: int, kind: str) -> DrawnAlarmEvent:
    payload: JsonObject = {"rule": "volts-low", "action": kind, "user": "ada", "comment": ""}
    of_action: JsonObject = {"lane": "metadata", "messageType": "AlarmAction", "payload": payload}
    return DrawnAlarmEvent(START_NS + second * SECOND, "a", of_action)


def test_enabling_judges_the_last_value_again_also_if_it_comes_late(
    archived: AlarmedArchive,
) -> None:
    for second in range(10, 100, 10):
        archived.record(values((second, 5)), 1)
        archived.make()
    for second, kind in ((101, "disable"), (110, "enable")):
        archived.record([action(second, kind)], 1)
        archived.make()
    assert assert_by_hand(archived) == 4, "disabled and enabled in both timebases"
    archived.record(values((97, 2)), 1)
    archived.make()
    assert assert_by_hand(archived) == 4 + 3, "raised, disabled, enabled, raised by the source"
    archived.record(values((105, 4)), 1)
    archived.make()
    assert assert_by_hand(archived) == 3 + 4, "in limits again when it was enabled"
    archived.record([action(130, "disable"), *values((135, 0)), action(140, "enable")], 1)
    archived.make()
    archived.record(values((150, 5)), 1)
    archived.make()
    live = archived.digest()
    archived.make(anew=True)
    assert archived.digest() == live
    assert_by_hand(archived)


def test_values_that_are_ignored_are_not_folded_one_by_one(archived: AlarmedArchive) -> None:
    archived.record(values((1, 5)), 1)
    archived.make()
    before = frontiers(archived)
    for second in range(2, 20):
        archived.record(values((second, 5)), 1)
    archived.make()
    assert frontiers(archived) == before
    archived.record(values(*((second, 5) for second in range(20, 45))), 1)
    archived.make()
    assert frontiers(archived)[0] > before[0], "a late value is judged from a mark"
    archived.record(values((50, 2)), 1)
    archived.make()
    assert frontiers(archived)[1] > before[1]
    assert assert_by_hand(archived) == 2


def frontiers(archived: AlarmedArchive) -> list[bytes]:
    with ExitStack() as stack:
        archived.close()
        store = AlarmStore.open_primary(archived.data)
        stack.callback(store.close)
        found = [store.progress(timebase, [0])[0] for timebase in ("source", "canonical")]
        return [b"" if one is None else one.frontier for one in found]


def test_values_at_a_bound_are_judged_exactly(archived: AlarmedArchive) -> None:
    exact = (
        3,
        2.999999999999999,
        3.4,
        True,
        3.5,
        9 * 10**15,
        9 * 10**15 + 1,
        9e15,
        1e300,
        "text",
        1,
        0.5,
    )
    for second, value in enumerate(exact, 1):
        archived.record(values((second, 5.0)), 1)
        archived.make()
        archived.record(values((second + 100, value)), 1)
        archived.make()
    assert assert_by_hand(archived) > 4


def test_an_alarm_that_stays_raised_is_found_to_get_worse(archived: AlarmedArchive) -> None:
    for second in range(1, 60):
        archived.record(values((second, 2 if second < 50 else 0)), 1)
        archived.make()
    assert assert_by_hand(archived) == 2 * 2
