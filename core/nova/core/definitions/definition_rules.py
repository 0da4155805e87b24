"""What a definition must fulfil beyond its structure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from nova.core.definitions.definition import Definition, InputSpec
from nova.sdk import address as addresses
from nova.sdk.errors import AddressError, EnvelopeError
from nova.sdk.events.reserved import require_unreserved

INPUT_LANES = ("parsed", "ui")
OUTPUT_LANE = "parsed"
CEL_WORDS = frozenset(
    (
        *("as", "break", "const", "continue", "else", "false", "for", "function", "if", "import"),
        *("in", "let", "loop", "namespace", "null", "package", "return", "true", "var", "void"),
        "while",
    )
)
"""Words that no input of an expression may have as its name."""


class Fault(NamedTuple):
    """A fault of a definition: where it is, of which kind, the rule, and what to do."""

    place: str
    kind: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.kind}: {self.rule.rstrip('.')}. {self.remedy}"


def faults_of(definition: Definition) -> Iterator[Fault]:
    """The faults of one definition by itself, without those of its formula."""
    yield from _formula_faults(definition)
    if not definition.inputs:
        yield Fault("inputs", "missing", "a definition has inputs", "Add a table [inputs.<name>]")
    for name, spec in definition.inputs.items():
        yield from _input_faults(definition, name, spec)
    for name in definition.triggers:
        if name not in definition.inputs:
            known = ", ".join(definition.inputs)
            yield Fault(
                "triggers", "unknown", f"{name!r} is no input", f"Name some of these: {known}"
            )
    yield from _output_faults(definition)


def _formula_faults(definition: Definition) -> Iterator[Fault]:
    if (definition.expression is None) == (definition.function is None):
        yield Fault(
            "expression",
            "missing" if definition.function is None else "conflict",
            "a definition has either an expression or a function",
            "Write `expression` (CEL) or `function` (the name of an entry point of nova.derived)",
        )
    if definition.vectorised and definition.function is None:
        rule = "only a function can be vectorised"
        yield Fault("vectorised", "conflict", rule, "Leave it out")


def _input_faults(definition: Definition, name: str, spec: InputSpec) -> Iterator[Fault]:
    place = f"inputs.{name}"
    if name in CEL_WORDS:
        yield Fault(place, "reserved", f"{name!r} is a word of CEL", "Choose another name")
    yield from _address_faults(f"{place}.address", spec.address, INPUT_LANES)
    yield from _series_faults(place, spec)
    yield from _window_faults(definition, place, spec)


def _series_faults(place: str, spec: InputSpec) -> Iterator[Fault]:
    lane = spec.address.split(".")[2] if spec.address.count(".") == 6 else ""
    if lane == "ui" and (spec.view is None or spec.type is not None):
        rule = "series of the ui lane are distinguished by their viewId"
        yield Fault(f"{place}.view", "missing", rule, "Write `view`, and no `type`")
    if lane == "parsed" and (spec.type is None or spec.view is not None):
        rule = "series of the parsed lane are distinguished by their messageType"
        yield Fault(f"{place}.type", "missing", rule, "Write `type`, and no `view`")


def _window_faults(definition: Definition, place: str, spec: InputSpec) -> Iterator[Fault]:
    if spec.samples is not None and spec.seconds is not None:
        rule = "a window is of samples or of seconds"
        yield Fault(place, "conflict", rule, "Leave out `samples` or `seconds`")
    if spec.aggregate is not None and not spec.is_window:
        rule = "an aggregate is of a window"
        yield Fault(f"{place}.aggregate", "conflict", rule, "Write `samples` or `seconds`")
    if spec.is_window and spec.kind == "text":
        rule = "a window is of numbers or booleans"
        yield Fault(f"{place}.kind", "conflict", rule, "Use the last value of a text")
    if definition.vectorised and spec.is_window and spec.aggregate is None:
        rule = "a vectorised function gets one value per row"
        yield Fault(f"{place}.aggregate", "missing", rule, "Write `aggregate`")


def _output_faults(definition: Definition) -> Iterator[Fault]:
    output = definition.output
    found = list(_address_faults("output.address", output.address, (OUTPUT_LANE,)))
    yield from found
    if not found:
        try:
            require_unreserved(output.series)
        except EnvelopeError as error:
            rule = f"only the Core writes {error.member} of this value"
            yield Fault("output.address", "reserved", rule, "Choose other ids")
    if output.unit is not None and output.kind != "number":
        yield Fault("output.unit", "conflict", "only numbers have a unit", "Leave it out")


def _address_faults(place: str, text: str, lanes: tuple[str, ...]) -> Iterator[Fault]:
    example = f"Write nova.<scope>.{lanes[0]}.<system>.<container>.<unique>.v1"
    try:
        found = addresses.parse(text)
    except AddressError as error:
        yield Fault(place, "malformed", str(error), example)
        return
    if found.unique_id is None or found.lane not in lanes:
        rule = f"{text!r} is no entity of the lane {' or '.join(lanes)}"
        yield Fault(place, "wrongLane", rule, example)
