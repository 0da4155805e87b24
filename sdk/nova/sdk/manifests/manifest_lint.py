"""Rules of a card manifest beyond its types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nova.sdk import timestamps
from nova.sdk.errors import TimestampError
from nova.sdk.manifests.control import CardControl
from nova.sdk.manifests.key_spec import NUMERIC, ArgumentSpec, KeySpec, Limits, rule_of
from nova.sdk.manifests.manifest import CardManifest


def first_problem(manifest: CardManifest) -> str | None:
    """The first rule that a manifest breaks, with the member's name; None if it breaks none."""
    return next(_problems(manifest), None)


def _problems(manifest: CardManifest) -> Iterator[str]:
    try:
        timestamps.parse(manifest.effective_time)
    except TimestampError as error:
        yield f"effectiveTime: {error}"
    for key, spec in manifest.allowed_keys.items():
        yield from (f"allowedKeys.{key}.{reason}" for reason in _key_problems(spec))
    yield from _layout_problems(manifest)
    commands = [action.command_type for action in manifest.actions]
    for command_type in sorted({name for name in commands if commands.count(name) > 1}):
        yield f"actions: commandType {command_type!r} is given twice"
    for action in manifest.actions:
        yield from _argument_problems(f"actions.{action.command_type}", action.arguments)
    yield from _control_problems(manifest)


def _layout_problems(manifest: CardManifest) -> Iterator[str]:
    layout = manifest.layout
    if layout.name is not None and layout.name not in manifest.allowed_keys:
        yield f"layout.name: {layout.name!r} is not in allowedKeys"
    rows = [key for group in layout.card for key in group.rows]
    for place, keys in (
        ("shield", layout.shield),
        ("card", rows),
        ("sparklines", layout.sparklines),
    ):
        for key in keys:
            if key not in manifest.allowed_keys:
                yield f"layout.{place}: {key!r} is not in allowedKeys"
            elif keys.count(key) > 1:
                yield f"layout.{place}: {key!r} is given twice"
    for key in layout.sparklines:
        if manifest.allowed_keys[key].type not in (*NUMERIC, "boolean"):
            yield f"layout.sparklines: {key!r} is not a number"


def _control_problems(manifest: CardManifest) -> Iterator[str]:
    known = manifest.allowed_keys
    requests = [control.request for control in manifest.layout.controls]
    for request in sorted({name for name in requests if requests.count(name) > 1}):
        yield f"layout.controls: request {request!r} is given twice"
    for control in manifest.layout.controls:
        where = f"layout.controls.{control.request}"
        yield from _argument_problems(where, control.fields)
        begins = (field.begins_with for field in control.fields.values())
        for key in (*control.members.values(), *control.shown_if, *filter(None, begins)):
            if key not in known:
                yield f"{where}: {key!r} is not in allowedKeys"
        yield from (f"{where}.{reason}" for reason in _field_problems(control))


def _field_problems(control: CardControl) -> Iterator[str]:
    for name, field in control.fields.items():
        if name in control.members:
            yield f"{name}: is among the members too"
        if field.many and field.default is not None:
            yield f"{name}.default: a field of many values has none"
        for other in field.shown_if:
            if other not in control.fields:
                yield f"{name}.shownIf: {other!r} is not a field of this control"


def _argument_problems(where: str, arguments: Mapping[str, ArgumentSpec]) -> Iterator[str]:
    for name, spec in arguments.items():
        yield from (f"{where}.{name}.{reason}" for reason in _key_problems(spec))
        if spec.default is not None and (reason := rule_of(spec)(spec.default)) is not None:
            yield f"{where}.{name}.default: {reason}"


def _key_problems(spec: KeySpec) -> Iterator[str]:
    if spec.type not in NUMERIC:
        for member in ("minimum", "maximum", "precision", "unit"):
            if getattr(spec, member) is not None:
                yield f"{member}: only numbers may have it, the type is {spec.type}"
    elif spec.minimum is not None and spec.maximum is not None and spec.minimum > spec.maximum:
        yield f"minimum: {spec.minimum:g} is above the maximum {spec.maximum:g}"
    if spec.type == "enum" and not spec.labels:
        yield "labels: an enum needs a label for each of its values"
    if spec.type == "boolean" and spec.labels and not {"true", "false"}.issuperset(spec.labels):
        yield "labels: a boolean may have labels for true and false only"
    if spec.labels is not None and spec.type not in ("enum", "boolean"):
        yield f"labels: only an enum or a boolean may have them, the type is {spec.type}"
    if spec.limits is not None:
        yield from (f"limits.{reason}" for reason in _limit_problems(spec, spec.limits))


def _limit_problems(spec: KeySpec, limits: Limits) -> Iterator[str]:
    bounds = {
        "criticalLow": limits.critical_low,
        "warningLow": limits.warning_low,
        "warningHigh": limits.warning_high,
        "criticalHigh": limits.critical_high,
    }
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    values = limits.warning + limits.critical
    if given and spec.type not in NUMERIC:
        yield f"{next(iter(given))}: only numbers may have it, the type is {spec.type}"
    if values and spec.type not in ("enum", "boolean"):
        yield f"warning: only an enum or a boolean may have values, the type is {spec.type}"
    if list(given.values()) != sorted(given.values()):
        yield "bounds: must be criticalLow ≤ warningLow ≤ warningHigh ≤ criticalHigh"
    if spec.type in ("enum", "boolean"):
        yield from (
            f"warning: {reason}" for value in values if (reason := rule_of(spec)(value)) is not None
        )
