"""The rules and the presentation of one value: of a key of a view's data, of a command's argument,
or of a member of a request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError

ValueKind = Literal["number", "integer", "string", "boolean", "enum", "time", "any"]
Key = Annotated[str, Meta(min_length=1, max_length=128)]
Title = Annotated[str, Meta(min_length=1, max_length=128)]

NUMERIC: tuple[ValueKind, ...] = ("number", "integer")
PREVIEW_CHARS = 64
INTEGER_MAX = 2**53 - 1
TIME_EXAMPLE = "1970-01-01T00:00:00Z"


class ManifestPart(
    msgspec.Struct,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """Base of all structs of a manifest."""


class Limits(ManifestPart, kw_only=True):
    """Alarm limits: bounds of a number, or the alarm values of an enum or boolean."""

    warning_low: float | None = None
    warning_high: float | None = None
    critical_low: float | None = None
    critical_high: float | None = None
    warning: list[str | bool] = msgspec.field(default_factory=list)
    critical: list[str | bool] = msgspec.field(default_factory=list)


class KeySpec(ManifestPart, kw_only=True):
    """Type and presentation of one key's value; `precision` is the number of decimal places.

    `labels` map the values of an enum, or of a boolean, to the texts that people read.
    """

    type: ValueKind
    title: Title | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: Annotated[int, Meta(ge=0, le=15)] | None = None
    labels: dict[str, str] | None = None
    limits: Limits | None = None


class ArgumentSpec(KeySpec, kw_only=True):
    """One argument of a command; an optional one that is absent has the default, if any."""

    required: bool = False
    default: str | bool | int | float | None = None


Rule = Callable[[object], str | None]
"""Returns why a value is invalid, None if it is valid."""


def rule_of(spec: KeySpec) -> Rule:
    """The rule of a value. CardManifest caches those of keys, because every update needs them."""
    if spec.type in NUMERIC:
        return _number_rule(spec)
    if spec.type == "enum":
        return _enum_rule(spec.labels or {})
    return _PLAIN_RULES[spec.type]


def _number_rule(spec: KeySpec) -> Rule:
    low = float("-inf") if spec.minimum is None else spec.minimum
    high = float("inf") if spec.maximum is None else spec.maximum
    article = "an integer" if spec.type == "integer" else "a number"
    is_whole = spec.type == "integer"

    def rule(value: object) -> str | None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            return f"is {preview(value)}, not {article}"
        if is_whole and isinstance(value, float) and not value.is_integer():
            return f"is {preview(value)}, not an integer"
        if value < low:
            return f"is {preview(value)}, below the minimum {low:g}"
        if value > high:
            return f"is {preview(value)}, above the maximum {high:g}"
        return None

    return rule


def _enum_rule(labels: Mapping[str, str]) -> Rule:
    def rule(value: object) -> str | None:
        if isinstance(value, str) and value in labels:
            return None
        return f"is {preview(value)}, not one of {', '.join(labels)}"

    return rule


def _string(value: object) -> str | None:
    return None if isinstance(value, str) else f"is {preview(value)}, not a string"


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else f"is {preview(value)}, not a boolean"


def _time(value: object) -> str | None:
    if isinstance(value, str):
        try:
            timestamps.parse(value)
        except TimestampError:
            pass
        else:
            return None
    return f"is {preview(value)}, not a time such as {TIME_EXAMPLE}"


def _any(_: object) -> str | None:
    return None


_PLAIN_RULES: Mapping[ValueKind, Rule] = {
    "string": _string,
    "boolean": _boolean,
    "time": _time,
    "any": _any,
}


def preview(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= PREVIEW_CHARS else text[:PREVIEW_CHARS] + "…"
