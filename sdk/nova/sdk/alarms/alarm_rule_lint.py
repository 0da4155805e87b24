"""Checks of an alarm rule beyond its types; each fault names the member and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import chain

import msgspec

from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import (
    SEVERITIES,
    AlarmRule,
    Bounds,
    Persistence,
    RuleContext,
    Severity,
)
from nova.sdk.errors import TimestampError

CONDITIONS = ("ranges", "rates", "values", "stale")


def faults_of(rule: AlarmRule) -> Iterator[str]:
    """Every fault of a rule."""
    yield from _condition_faults(rule)
    yield from _infinite_faults("", msgspec.to_builtins(rule))
    yield from _series_faults("", rule.lane, rule.message_type, rule.view_id)
    yield from _path_faults("field", rule.field)
    if rule.effective_time is not None:
        try:
            timestamps.parse(rule.effective_time)
        except TimestampError as error:
            yield f"effectiveTime: {error}: give a time such as 2026-01-01T00:00:00Z, or none"
    for member, bounds in (("ranges", rule.ranges), ("rates", rule.rates)):
        if bounds is not None:
            yield from _bounds_faults(member, bounds, rule.clear_margin)
    if rule.values is not None:
        yield from _value_faults(rule.values)
    if rule.clear_margin and rule.ranges is None and rule.rates is None:
        yield "clearMargin: only ranges and rates have a margin: leave it out"
    if rule.persistence is not None:
        yield from _persistence_faults(rule, rule.persistence)
    yield from _context_faults(rule)


def _infinite_faults(path: str, value: object) -> Iterator[str]:
    """Numbers that events cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{path}: {value} is not a finite number: leave out a bound that does not limit"
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _infinite_faults(f"{path}.{name}".lstrip("."), member)
    elif isinstance(value, list):
        for member in value:
            yield from _infinite_faults(path, member)


def _condition_faults(rule: AlarmRule) -> Iterator[str]:
    given = [name for name in CONDITIONS if getattr(rule, name) is not None]
    if not given:
        yield f"has no condition: give one of {', '.join(CONDITIONS)}"
    elif len(given) > 1:
        yield f"{given[1]}: the rule has {given[0]} already: make it a rule of its own"


def _series_faults(
    head: str, lane: str, message_type: str | None, view_id: str | None
) -> Iterator[str]:
    wanted, unwanted = ("viewId", "messageType") if lane == "ui" else ("messageType", "viewId")
    given = {"viewId": view_id, "messageType": message_type}
    if given[wanted] is None:
        yield f"{head}{wanted}: is missing: a rule of the {lane} lane names it"
    if given[unwanted] is not None:
        yield f"{head}{unwanted}: events of the {lane} lane have none: use {wanted}"


def _bounds_faults(member: str, bounds: Mapping[Severity, Bounds], margin: float) -> Iterator[str]:
    if not bounds:
        yield f"{member}: is empty: give bounds for at least one severity"
    found = False
    for severity, one in bounds.items():
        where = f"{member}.{severity}"
        if one.low is None and one.high is None:
            found = True
            yield f"{where}: has no bound: give low, high or both"
        if one.low is not None and one.high is not None and one.low > one.high:
            found = True
            yield f"{where}.low: {one.low:g} is above high {one.high:g}: exchange them"
    nesting = list(_nesting_faults(member, bounds))
    yield from nesting
    if not found and not nesting:
        yield from _room_faults(member, bounds, margin)


def _nesting_faults(member: str, bounds: Mapping[Severity, Bounds]) -> Iterator[str]:
    """Faults of a severity that lies inside of a milder one, or hides it."""
    given = [(severity, bounds[severity]) for severity in SEVERITIES if severity in bounds]
    for place, (worse, outer) in enumerate(given):
        for milder, inner in given[:place]:
            if inner.low is not None and outer.low is not None and outer.low > inner.low:
                yield (
                    f"{member}.{worse}.low: {outer.low:g} is above the {inner.low:g} of {milder}, "
                    f"so that {milder} never shows: give a lower one"
                )
            if inner.high is not None and outer.high is not None and outer.high < inner.high:
                yield (
                    f"{member}.{worse}.high: {outer.high:g} is below the {inner.high:g} of "
                    f"{milder}, so that {milder} never shows: give a higher one"
                )
            if inner.low in (None, outer.low) and inner.high in (None, outer.high):
                yield f"{member}.{milder}: its bounds are those of {worse}: it never shows"


def _room_faults(member: str, bounds: Mapping[Severity, Bounds], margin: float) -> Iterator[str]:
    """Faults of bounds between which, and of margins inside which, no value lies."""
    low = max((one.low for one in bounds.values() if one.low is not None), default=-math.inf)
    high = min((one.high for one in bounds.values() if one.high is not None), default=math.inf)
    if low > high:
        yield f"{member}: no value is from {low:g} to {high:g}, so that it never clears: widen them"
    elif low + margin > high - margin:
        yield (
            f"clearMargin: {margin:g} is more than half of the range from {low:g} to {high:g}, so "
            "that the alarm never clears: give a smaller one"
        )


def _value_faults(values: Mapping[Severity, list[str | bool | float]]) -> Iterator[str]:
    if not any(values.values()):
        yield "values: is empty: give values for at least one severity"
    seen: dict[tuple[type, object], Severity] = {}
    for severity, listed in values.items():
        for value in listed:
            other = seen.setdefault((type(value), value), severity)
            if other != severity:
                yield f"values.{severity}: {value!r} is in {other} too: remove one of them"


def _persistence_faults(rule: AlarmRule, persistence: Persistence) -> Iterator[str]:
    if rule.stale is not None:
        yield "persistence: staleness has a time of its own: leave it out, and raise stale.afterS"
    if (persistence.samples is None) == (persistence.seconds is None):
        yield "persistence: give either samples or seconds"


def _path_faults(member: str, path: str) -> Iterator[str]:
    if "" in path.split("."):
        yield f"{member}: {path[:64]!r} has an empty name: give names with one dot between them"


def _context_faults(rule: AlarmRule) -> Iterator[str]:
    context = rule.context
    if context is None:
        return
    yield from _path_faults("context.field", context.field)
    lane = context.lane or rule.lane
    if lane != rule.lane or context.message_type is not None or context.view_id is not None:
        yield from _series_faults("context.", lane, context.message_type, context.view_id)
    if _is_judged_field(rule, context) and not any(_is_out(rule, one) for one in context.equals):
        yield (
            "context: its field is the one that is judged, and none of `equals` is out of limits, "
            "so that the rule never raises: give another field or other values"
        )


def _is_judged_field(rule: AlarmRule, context: RuleContext) -> bool:
    pairs = (
        (context.field, rule.field),
        (context.lane or rule.lane, rule.lane),
        (context.message_type or rule.message_type, rule.message_type),
        (context.view_id or rule.view_id, rule.view_id),
        (context.system_id or rule.system_id, rule.system_id),
        (context.container_id or rule.container_id, rule.container_id),
        (context.unique_id or rule.unique_id, rule.unique_id),
    )
    return all(one == other for one, other in pairs)


def _is_out(rule: AlarmRule, value: str | bool | float) -> bool:
    """Whether a value of the field may raise the rule's alarm."""
    if rule.values is not None:
        return any(
            type(one) is type(value) and one == value for one in chain(*rule.values.values())
        )
    if rule.ranges is None:
        return True
    if not isinstance(value, float):
        return False
    return any(_is_outside(bounds, value) for bounds in rule.ranges.values())


def _is_outside(bounds: Bounds, value: float) -> bool:
    below = bounds.low is not None and value < bounds.low
    return below or (bounds.high is not None and value > bounds.high)
