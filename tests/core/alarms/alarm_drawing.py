"""Random rules, events and actions of one alarm, on a coarse grid of times so that ties abound."""

from __future__ import annotations

import random
from typing import Any

from nova.sdk.alarms.alarm_rule import (
    SEVERITIES,
    AlarmRule,
    Bounds,
    Persistence,
    RuleContext,
    Severity,
    Staleness,
)
from tests.core.alarms.alarm_oracle import SECOND

MODES = ("SCIENCE", "SAFE", True, 1.0)


def random_rule(draw: random.Random, rule_id: str = "voltage", **ids: Any) -> AlarmRule:
    """A rule of any condition."""
    condition = draw.choice(("ranges", "ranges", "rates", "values", "stale"))
    members: dict[str, Any] = {}
    severities = sorted(draw.sample(SEVERITIES, draw.randint(1, 4)), key=SEVERITIES.index)
    if condition in ("ranges", "rates"):
        members[condition] = _bounds(draw, severities)
        members["clear_margin"] = draw.choice((0.0, 0.0, 0.5, 1.5))
    elif condition == "values":
        members["values"] = {severity: [float(n)] for n, severity in enumerate(severities)}
    else:
        members["stale"] = Staleness(after_s=draw.randint(1, 4), severity=severities[0])
    if condition != "stale" and draw.random() < 0.5:
        is_counted = draw.random() < 0.5
        members["persistence"] = Persistence(
            samples=draw.randint(1, 3) if is_counted else None,
            seconds=None if is_counted else draw.randint(1, 3),
        )
    if draw.random() < 0.4:
        members["context"] = RuleContext(field="mode", equals=draw.sample(MODES, 2))
    return AlarmRule(rule_id=rule_id, field="volts", message_type="Power", **ids, **members)


def _bounds(draw: random.Random, severities: list[Severity]) -> dict[Severity, Bounds]:
    low, high, found = 3.0, 6.0, {}
    for severity in severities:
        sides = draw.choice(("low", "high", "both"))
        found[severity] = Bounds(
            low=None if sides == "high" else low, high=None if sides == "low" else high
        )
        low, high = low - 1.0, high + 1.0
    return found


def random_value(draw: random.Random) -> Any:
    """Mostly a number around the bounds."""
    if draw.random() < 0.05:
        return draw.choice(("text", True))
    return draw.choice((draw.randint(0, 9), draw.randint(0, 18) / 2))


def random_action(draw: random.Random, time_ns: int, last_s: int) -> dict[str, Any]:
    """An action at a time."""
    kind = draw.choice(
        ("acknowledge", "acknowledge", "comment", "shelve", "unshelve", "disable", "enable")
    )
    action: dict[str, Any] = {"kind": kind, "user": draw.choice(("ada", "bob"))}
    if kind == "acknowledge":
        action["since"] = time_ns - draw.randint(-1, 4) * SECOND
        action["rank"] = draw.randint(1, 4)
    elif kind == "comment":
        action["comment"] = f"seen {draw.randint(0, 9)}"
    elif kind == "shelve":
        until = time_ns + draw.randint(1, last_s) * SECOND
        action["until"] = draw.choice((None, until, until))
    return action
