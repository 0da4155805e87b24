"""Checks of an alarm rule beyond its types; each fault names the member and the remedy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import msgspec

from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import SEVERITIES, AlarmRule, Bounds, Persistence, Severity
from nova.sdk.errors import TimestampError

CONDITIONS = ("ranges", "rates", "values", "stale")


def faults_of(rule: AlarmRule) -> Iterator[str]:
    """Every fault of a rule."""
    yield from _condition_faults(rule)
    yield from _infinite_faults("", msgspec.to_builtins(rule))
    yield from _series_faults("", rule.lane, rule.message_type, rule.view_id)
    if rule.effective_time is not None:
        try:
            timestamps.parse(rule.effective_time)
        except TimestampError as error:
            yield f"effectiveTime: {error}: give a time such as 2026-01-01T00:00:00Z, or none"
    for member, bounds in (("ranges", rule.ranges), ("rates", rule.rates)):
        if bounds is not None:
            yield from _bounds_faults(member, bounds)
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


def _bounds_faults(member: str, bounds: Mapping[Severity, Bounds]) -> Iterator[str]:
    if not bounds:
        yield f"{member}: is empty: give bounds for at least one severity"
    milder: Severity | None = None
    for severity in SEVERITIES:
        if severity not in bounds:
            continue
        low, high = bounds[severity].low, bounds[severity].high
        where = f"{member}.{severity}"
        if low is None and high is None:
            yield f"{where}: has no bound: give low, high or both"
        if low is not None and high is not None and low > high:
            yield f"{where}.low: {low:g} is above high {high:g}: exchange them"
        if milder is not None:
            yield from _nesting_faults(member, milder, severity, bounds)
        milder = severity


def _nesting_faults(
    member: str, milder: Severity, worse: Severity, bounds: Mapping[Severity, Bounds]
) -> Iterator[str]:
    inner, outer = bounds[milder], bounds[worse]
    if inner.low is not None and outer.low is not None and outer.low > inner.low:
        yield (
            f"{member}.{worse}.low: {outer.low:g} is above the {inner.low:g} of {milder}, so that "
            f"{milder} never shows: give a lower one"
        )
    if inner.high is not None and outer.high is not None and outer.high < inner.high:
        yield (
            f"{member}.{worse}.high: {outer.high:g} is below the {inner.high:g} of {milder}, so "
            f"that {milder} never shows: give a higher one"
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


def _context_faults(rule: AlarmRule) -> Iterator[str]:
    context = rule.context
    if context is None:
        return
    lane = context.lane or rule.lane
    if lane == rule.lane and context.message_type is None and context.view_id is None:
        return
    yield from _series_faults("context.", lane, context.message_type, context.view_id)
