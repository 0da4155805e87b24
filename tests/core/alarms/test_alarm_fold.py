"""The fold of one alarm equals the brute force, at any time, with ties and rules that change."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from nova.core.alarms.alarm_fold import (
    ACTION,
    CONTEXT,
    VALUE,
    AlarmFold,
    AlarmInput,
    RuleVersions,
    event_position,
    state_at,
)
from nova.core.alarms.alarm_machine import Alarm, AlarmAction
from nova.core.alarms.rule_judge import judge_of_rule
from tests.core.alarms.alarm_drawing import random_action, random_rule, random_value
from tests.core.alarms.alarm_oracle import (
    SECOND,
    OracleEvent,
    OracleVersion,
    brute_force,
)
from tests.laws import law

LAST_S = 14


def drawn_events(draw: random.Random) -> list[OracleEvent]:
    """Events of values, contexts, both and actions."""
    events = []
    for number in range(draw.randint(1, 30)):
        time_ns = draw.randint(0, LAST_S) * SECOND
        source_ns = time_ns - draw.choice((0, 0, SECOND))
        order = (0, draw.randbytes(16))
        if draw.random() < 0.2:
            action = random_action(draw, source_ns, LAST_S)
            events.append(OracleEvent(time_ns, order, source_ns, action=action))
        else:
            context = draw.choice(("SCIENCE", "SAFE", True, 1.0)) if draw.random() < 0.3 else None
            value = random_value(draw) if context is None or number % 2 else None
            order = (3, draw.randbytes(16))
            events.append(OracleEvent(time_ns, order, source_ns, context, value))
    return events


def action_of(members: dict[str, Any]) -> AlarmAction:
    return AlarmAction(
        members["kind"],
        members["user"],
        members.get("since", 2**63 - 1),
        members.get("rank", 4),
        members.get("until"),
        members.get("comment", ""),
    )


def inputs_of(event: OracleEvent) -> list[AlarmInput]:
    lane, event_id = event.order
    position = event_position(event.time_ns, lane, event_id)
    head = (event.time_ns, event.source_ns, event_id)
    found = []
    if event.context is not None:
        found.append(AlarmInput(position, CONTEXT, *head, event.context))
    if event.value is not None:
        found.append(AlarmInput(position, VALUE, *head, event.value))
    if event.action is not None:
        found.append(AlarmInput(position, ACTION, *head, action=action_of(event.action)))
    return found


def with_last_values(inputs: list[AlarmInput]) -> list[AlarmInput]:
    """Those that enable have the last value before them, as they have it from an archive."""
    last, found = None, []
    for item in inputs:
        if item.action is not None and item.action.kind == "enable" and last is not None:
            item = item._replace(value=last.value, source_ns=last.source_ns)
        last = item if item.kind == VALUE else last
        found.append(item)
    return found


def visible(alarm: Alarm) -> tuple[object, ...]:
    since = alarm.since_ns if alarm.state != "normal" else None
    crossed = alarm.crossed_ns[-1] if alarm.crossed_ns else None
    assert len(alarm.crossed_ns) == alarm.rank
    seen = (alarm.state, alarm.rank, since, crossed, alarm.shelved_ns, alarm.is_disabled)
    return (*seen, alarm.comment, alarm.user if alarm.state == "acknowledged" else "")


@law(200)
@given(st.integers(0, 2**32 - 1))
def test_a_fold_equals_the_brute_force_at_any_time(seed: int) -> None:
    draw = random.Random(seed)
    versions = [OracleVersion(draw.choice((-1, 0, 2)) * SECOND, random_rule(draw))]
    for _ in range(draw.randint(0, 2)):
        rule = random_rule(draw) if draw.random() < 0.8 else None
        versions.append(OracleVersion(draw.randint(0, LAST_S) * SECOND, rule))
    versions.sort(key=lambda one: one.from_ns)
    events = drawn_events(draw)
    until_ns = draw.randint(-1, 2 * LAST_S) * SECOND // draw.choice((1, 2))
    judges = RuleVersions(
        [one.from_ns for one in versions],
        [None if one.rule is None else judge_of_rule(one.rule) for one in versions],
    )
    fold = AlarmFold(Alarm(), judges)
    inputs = [item for event in events if event.time_ns <= until_ns for item in inputs_of(event)]
    for item in with_last_values(sorted(inputs, key=lambda one: one[:2])):
        fold.add(item)
    found = state_at(fold.alarm, judges, until_ns)
    expected = brute_force(versions, events, until_ns)
    assert visible(found.alarm) == expected.visible()
    transitions = fold.transitions + found.transitions
    changes = [(t.time_ns, t.change, t.alarm.state, t.alarm.rank) for t in transitions]
    assert changes == expected.changes
    positions = [t.position for t in transitions]
    assert positions == sorted(set(positions)), "each change has a position of its own, in order"
