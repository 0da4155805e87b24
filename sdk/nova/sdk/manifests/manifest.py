"""Card manifests: the keys that the data of a view may have, and how a card shows them.

A manifest is data: the browser draws cards from it, ingest and producers check updates against it,
and the Core checks the arguments of commands against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from nova.sdk.field_types import JsonObject, Name
from nova.sdk.manifests.control import CardControl as CardControl
from nova.sdk.manifests.control import Condition as Condition
from nova.sdk.manifests.control import EntityTable as EntityTable
from nova.sdk.manifests.control import Field as Field
from nova.sdk.manifests.key_spec import NUMERIC as NUMERIC
from nova.sdk.manifests.key_spec import PREVIEW_CHARS, Key, ManifestPart, Rule, Title, rule_of
from nova.sdk.manifests.key_spec import ArgumentSpec as ArgumentSpec
from nova.sdk.manifests.key_spec import KeySpec as KeySpec
from nova.sdk.manifests.key_spec import Limits as Limits

Version = Annotated[
    str, Meta(pattern=r"\A(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?\Z")
]
"""Semantic version: major.minor.patch."""

ANY_KEY = "*"
"""In allowedKeys: the spec of all keys that are not listed."""

EPOCH = "1970-01-01T00:00:00Z"
"""The effectiveTime of a manifest that declares none: always."""


class Action(ManifestPart, kw_only=True):
    """A command that the card offers; a critical one needs a confirmation."""

    command_type: Name
    title: Title
    arguments: dict[Key, ArgumentSpec] = msgspec.field(default_factory=dict)
    critical: bool = False


class Group(ManifestPart, kw_only=True):
    """Rows of a card under one title, in order; each row is a key."""

    title: Title | None = None
    rows: list[Key]


class Layout(ManifestPart, kw_only=True):
    """Where keys are shown: `shield` as a summary, `card` in groups, `sparklines` as a history. The
    value of `name` stands for the entity's uniqueId. `tables` list other entities, and `controls`
    send requests to the edge. After `stale_after_s` without an update a view is stale.
    """

    name: Key | None = None
    shield: list[Key] = msgspec.field(default_factory=list)
    card: list[Group] = msgspec.field(default_factory=list)
    sparklines: list[Key] = msgspec.field(default_factory=list)
    tables: list[EntityTable] = msgspec.field(default_factory=list)
    controls: list[CardControl] = msgspec.field(default_factory=list)
    stale_after_s: Annotated[float, Meta(gt=0)] | None = None


class CardManifest(ManifestPart, kw_only=True, dict=True):
    """One version of a card manifest, in effect from `effective_time` on."""

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
        """The rule of each key."""
        return {key: rule_of(spec) for key, spec in self.allowed_keys.items()}


class Violation(NamedTuple):
    """The key that breaks a rule, and the reason."""

    key: str
    reason: str


def violation(manifest: CardManifest, data: Mapping[str, object]) -> Violation | None:
    """The first key of an update's data that its manifest does not allow. Null is always allowed:
    it means that there is no value.
    """
    rules = manifest.rules
    for key, value in data.items():
        rule = rules.get(key) or rules.get(ANY_KEY)
        if rule is None:
            return Violation(key, f"is not in the allowedKeys of {name_of(manifest)}")
        if value is not None and (reason := rule(value)) is not None:
            return Violation(key, f"{reason} (manifest {name_of(manifest)})")
    return None


def update_problem(manifest: CardManifest, data: Mapping[str, object]) -> str | None:
    """Why an update's data breaks its manifest, with key and rule; None if it does not."""
    found = violation(manifest, data)
    return None if found is None else f"key {found.key[:PREVIEW_CHARS]!r} {found.reason}"


def argument_problem(action: Action, payload: Mapping[str, object]) -> str | None:
    """Why a command's payload breaks its action, with argument and rule; None if it does not."""
    for name, value in payload.items():
        spec = action.arguments.get(name)
        if spec is None:
            known = ", ".join(action.arguments) or "none"
            shown = name[:PREVIEW_CHARS]
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
    return f"{manifest.manifest_id} {manifest.manifest_version}"


# --- as a ManifestPublished event -----------------------------------------------------------------


def published_body(manifest: CardManifest) -> JsonObject:
    """The members of a ManifestPublished event. It holds the whole manifest: the title within the
    layout, and the actions keyed by commandType.
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
    """Like `from_published` for a stored envelope; None also if it is nested too deeply."""
    try:
        return from_published(_published_decoder.decode(stored))
    except (msgspec.DecodeError, RecursionError):
        return None


def from_published(body: Mapping[str, object]) -> CardManifest | None:
    """The manifest in a ManifestPublished event; None if it has another form, since any producer
    may publish one in another scope.
    """
    members = {name: body[name] for name in _PUBLISHED_MEMBERS if name in body}
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


_published_decoder = msgspec.json.Decoder(JsonObject)
_PUBLISHED_MEMBERS = (
    "manifestId",
    "manifestVersion",
    "viewId",
    "entityType",
    "allowedKeys",
    "effectiveTime",
)
