"""Alarm rules: when a field of a series is out of limits, and how badly.

A rule judges each entity that its ids select by itself. It has one condition: ranges, rates, values
or staleness.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.field_types import Id, JsonObject, Name

Severity = Literal["watch", "warning", "critical", "severe"]
SEVERITIES: tuple[Severity, ...] = ("watch", "warning", "critical", "severe")
"""From the mildest to the worst."""

AlarmLane = Literal["ui", "parsed"]
FieldPath = Annotated[str, Meta(min_length=1, max_length=512)]
Title = Annotated[str, Meta(min_length=1, max_length=128)]
Seconds = Annotated[float, Meta(gt=0, le=31_622_400)]
"""Up to a year."""

TEXT_MAX_CHARS = 500
Scalar = Annotated[str, Meta(max_length=TEXT_MAX_CHARS)] | bool | float
VALUES_MAX = 1_000
SAMPLES_MAX = 10_000


class AlarmRulePart(
    msgspec.Struct,
    kw_only=True,
    frozen=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Base of all structs of a rule."""


class Bounds(AlarmRulePart, kw_only=True, frozen=True):
    """The values that do not violate a limit, both bounds included."""

    low: float | None = None
    high: float | None = None


class Staleness(AlarmRulePart, kw_only=True, frozen=True):
    """No value of the field for `after_s`."""

    after_s: Seconds
    severity: Severity = "warning"


class Persistence(AlarmRulePart, kw_only=True, frozen=True):
    """How long values must be worse than the alarm before it becomes as bad as the mildest of them:
    that many consecutive values, or that many seconds without a better one.
    """

    samples: Annotated[int, Meta(ge=1, le=SAMPLES_MAX)] | None = None
    seconds: Seconds | None = None


class RuleContext(AlarmRulePart, kw_only=True, frozen=True):
    """The rule judges only while the last value of this field equals one of `equals`. Ids, lane and
    type that are not given are those of the series that is judged.
    """

    field: FieldPath
    equals: Annotated[list[Scalar], Meta(min_length=1, max_length=VALUES_MAX)]
    lane: AlarmLane | None = None
    system_id: Id | None = None
    container_id: Id | None = None
    unique_id: Id | None = None
    message_type: Name | None = None
    view_id: Name | None = None


class AlarmRule(AlarmRulePart, kw_only=True, frozen=True):
    """One version of a rule, in effect from `effective_time` on, or from its publication, until a
    newer one is.
    """

    rule_id: Id
    title: Title | None = None
    effective_time: str | None = None

    lane: AlarmLane = "parsed"
    scope_id: Id | None = None
    system_id: Id | None = None
    container_id: Id | None = None
    unique_id: Id | None = None
    message_type: Name | None = None
    view_id: Name | None = None
    field: FieldPath

    ranges: dict[Severity, Bounds] | None = None
    rates: dict[Severity, Bounds] | None = None
    """Bounds of the change per second between consecutive values."""

    values: dict[Severity, Annotated[list[Scalar], Meta(max_length=VALUES_MAX)]] | None = None
    """The values that are out of limits, by severity."""

    stale: Staleness | None = None
    persistence: Persistence | None = None
    clear_margin: Annotated[float, Meta(ge=0)] = 0.0
    """How far inside its bounds a value must be before the alarm gets milder or clears."""

    context: RuleContext | None = None


ALARM_RULE_PUBLISHED = "AlarmRulePublished"
"""The type of the metadata event that publishes a rule, or withdraws it."""


class RulePayload(msgspec.Struct, rename="camel", omit_defaults=True):
    """The payload of such an event; without a rule it withdraws the one with this id."""

    rule_id: str
    rule: AlarmRule | None = None


class _PublishedRule(msgspec.Struct, rename="camel"):
    payload: RulePayload


_published_decoder = msgspec.json.Decoder(_PublishedRule)


def rule_payload(rule_id: str, rule: AlarmRule | None) -> JsonObject:
    """The payload that publishes a rule (None: withdraws it)."""
    payload: JsonObject = msgspec.to_builtins(RulePayload(rule_id, rule))
    return payload


def read_rule(stored: bytes) -> RulePayload | None:
    """The payload of a stored AlarmRulePublished; None if it is not one that can be used."""
    try:
        return _published_decoder.decode(stored).payload
    except msgspec.ValidationError:
        return None


def rank_of(severity: Severity) -> int:
    """1 for the mildest severity; 0 is in limits."""
    return SEVERITIES.index(severity) + 1
