"""Card manifests: which keys the data of a view may have, and how a card shows them (A-215,
AMB-49).

A manifest is data: the browser draws cards of it, ingest and producers check updates by it, the
Core checks the arguments of commands by it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from sdk import timestamps
from sdk.envelope import JsonObject, Name
from sdk.errors import TimestampError

Kind = Literal["number", "integer", "string", "boolean", "enum", "time", "any"]
Version = Annotated[
    str, Meta(pattern=r"\A(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?\Z")
]
"""Semantic: major.minor.patch."""

Key = Annotated[str, Meta(min_length=1, max_length=128)]
Title = Annotated[str, Meta(min_length=1, max_length=128)]

ANY_KEY = "*"
"""In allowedKeys: what holds for keys that are not named there."""

EPOCH = "1970-01-01T00:00:00Z"
"""Since ever: the effectiveTime of a manifest that declares none (AMB-14)."""

NUMERIC: tuple[Kind, ...] = ("number", "integer")
SHOWN_CHARS = 64
INTEGER_MAX = 2**53 - 1


class _Part(
    msgspec.Struct,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=True,
):
    """What all parts of a manifest share."""


class Limits(_Part, kw_only=True):
    """When a value is out of limits: bounds of numbers, or the values of an enum or boolean."""

    warning_low: float | None = None
    warning_high: float | None = None
    critical_low: float | None = None
    critical_high: float | None = None
    warning: list[str | bool] = msgspec.field(default_factory=list)
    critical: list[str | bool] = msgspec.field(default_factory=list)


class KeySpec(_Part, kw_only=True):
    """What the value of one key may be, and how it is shown; `precision` is decimal places.

    `labels` are the values of an enum with what people call them, or the two of a boolean.
    """

    type: Kind
    title: Title | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    precision: Annotated[int, Meta(ge=0, le=15)] | None = None
    labels: dict[str, str] | None = None
    limits: Limits | None = None


class ArgumentSpec(KeySpec, kw_only=True):
    """One argument of a command; what is neither given nor required has the default, if any."""

    required: bool = False
    default: str | bool | int | float | None = None


class Action(_Part, kw_only=True):
    """A command that the card offers; a critical one is confirmed before it is sent."""

    command_type: Name
    title: Title
    arguments: dict[Key, ArgumentSpec] = msgspec.field(default_factory=dict)
    critical: bool = False


class Group(_Part, kw_only=True):
    """Rows of a card that belong together, in their order; each is a key."""

    title: Title | None = None
    rows: list[Key]


class Layout(_Part, kw_only=True):
    """What is shown where: `shield` at a glance, `card` in groups, `sparklines` with their past."""

    shield: list[Key] = msgspec.field(default_factory=list)
    card: list[Group] = msgspec.field(default_factory=list)
    sparklines: list[Key] = msgspec.field(default_factory=list)


class CardManifest(_Part, kw_only=True, dict=True):
    """One version of one card; in effect from `effective_time` on."""

    manifest_id: Name
    manifest_version: Version
    view_id: Name
    entity_type: Name
    title: Title
    allowed_keys: dict[Key, KeySpec]
    layout: Layout = msgspec.field(default_factory=Layout)
    actions: list[Action] = msgspec.field(default_factory=list)
    effective_time: str = EPOCH

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """What says of a key's value which rule it breaks."""
        return {key: rule_of(spec) for key, spec in self.allowed_keys.items()}


class Violation(NamedTuple):
    """The key of data that breaks a rule, and the rule in words."""

    key: str
    reason: str


Rule = Callable[[object], str | None]
"""Takes a value; returns what is wrong with it."""


def violation(manifest: CardManifest, data: Mapping[str, object]) -> Violation | None:
    """The first key of an update's data that its manifest does not allow; null values are
    allowed, they say that there is no value.
    """
    rules = manifest.rules
    for key, value in data.items():
        rule = rules.get(key) or rules.get(ANY_KEY)
        if rule is None:
            return Violation(key, f"is not among the allowedKeys of {name_of(manifest)}")
        if value is not None and (reason := rule(value)) is not None:
            return Violation(key, f"{reason}, says {name_of(manifest)}")
    return None


def problem(manifest: CardManifest, data: Mapping[str, object]) -> str | None:
    """Why an update's data breaks its manifest, naming key and rule; None if it does not."""
    found = violation(manifest, data)
    return None if found is None else f"key {found.key[:SHOWN_CHARS]!r} {found.reason}"


def argument_problem(action: Action, payload: Mapping[str, object]) -> str | None:
    """Why a command's payload breaks its action, naming argument and rule; None if it does not."""
    for name, value in payload.items():
        spec = action.arguments.get(name)
        if spec is None:
            known = ", ".join(action.arguments) or "none"
            shown = name[:SHOWN_CHARS]
            return f"{action.command_type} has no argument {shown!r}; it takes {known}"
        if value is None and not spec.required:
            continue
        if (reason := rule_of(spec)(value)) is not None:
            return f"argument {name!r} {reason}"
    for name, spec in action.arguments.items():
        if spec.required and name not in payload:
            return f"argument {name!r} of {action.command_type} is missing"
    return None


def name_of(manifest: CardManifest) -> str:
    """A manifest with its version, for people."""
    return f"{manifest.manifest_id} {manifest.manifest_version}"


# --- rules ----------------------------------------------------------------------------------------


def rule_of(spec: KeySpec) -> Rule:
    """The rule of a key; made once, for it is asked with every update."""
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
            return f"is {_shown(value)}, which is not {article}"
        if is_whole and isinstance(value, float) and not value.is_integer():
            return f"is {_shown(value)}, which is not an integer"
        if value < low:
            return f"is {_shown(value)}, below the minimum {low:g}"
        if value > high:
            return f"is {_shown(value)}, above the maximum {high:g}"
        return None

    return rule


def _enum_rule(labels: Mapping[str, str]) -> Rule:
    def rule(value: object) -> str | None:
        if isinstance(value, str) and value in labels:
            return None
        return f"is {_shown(value)}, which is not one of {', '.join(labels)}"

    return rule


def _string(value: object) -> str | None:
    return None if isinstance(value, str) else f"is {_shown(value)}, which is not a string"


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else f"is {_shown(value)}, which is not a boolean"


def _time(value: object) -> str | None:
    if isinstance(value, str):
        try:
            timestamps.parse(value)
        except TimestampError:
            pass
        else:
            return None
    return f"is {_shown(value)}, which is not a time such as {EPOCH}"


def _any(_: object) -> str | None:
    return None


_PLAIN_RULES: Mapping[Kind, Rule] = {
    "string": _string,
    "boolean": _boolean,
    "time": _time,
    "any": _any,
}


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"


# --- as a ManifestPublished event -----------------------------------------------------------------


def published_body(manifest: CardManifest) -> JsonObject:
    """The members of a ManifestPublished event, which holds the whole manifest: the title is told
    with the layout, and actions by their commandType.
    """
    whole = msgspec.to_builtins(manifest)
    layout = {"title": manifest.title, **whole.get("layout", {})}
    actions = {action.pop("commandType"): action for action in whole.get("actions", [])}
    return {
        "manifestId": manifest.manifest_id,
        "manifestVersion": manifest.manifest_version,
        "viewId": manifest.view_id,
        "entityType": manifest.entity_type,
        "allowedKeys": whole["allowedKeys"],
        "layout": layout,
        **({"actions": actions} if actions else {}),
        "effectiveTime": manifest.effective_time,
    }


def read_published(stored: bytes) -> CardManifest | None:
    """The same of the event's envelope, which may be nested deeper than can be read here."""
    try:
        return from_published(_body.decode(stored))
    except (msgspec.DecodeError, RecursionError):
        return None


def from_published(body: Mapping[str, object]) -> CardManifest | None:
    """The manifest that a ManifestPublished event holds; None where it is of another form, as
    anybody may publish one.
    """
    members = {name: body[name] for name in _PUBLISHED if name in body}
    layout, actions = body.get("layout"), body.get("actions")
    try:
        layout = dict(layout) if isinstance(layout, dict) else {}
        members["title"] = layout.pop("title", members.get("manifestId"))
        members["layout"] = layout
        members["actions"] = [
            {"commandType": name, **action}
            for name, action in (actions.items() if isinstance(actions, dict) else ())
        ]
        return msgspec.convert(members, CardManifest)
    except (msgspec.ValidationError, TypeError):
        return None


_body = msgspec.json.Decoder(JsonObject)
_PUBLISHED = (
    "manifestId",
    "manifestVersion",
    "viewId",
    "entityType",
    "allowedKeys",
    "effectiveTime",
)
