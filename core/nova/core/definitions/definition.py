"""The definition of one derived value: inputs, a formula and an output."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk import address as addresses
from nova.sdk.events.event import Series
from nova.sdk.field_types import Name
from nova.sdk.manifests.key_spec import Title
from nova.sdk.manifests.manifest import Version

Aggregate = Literal["mean", "min", "max", "sum", "count", "oldest", "change", "rate"]
InputKind = Literal["number", "text", "boolean"]
FieldPath = Annotated[str, Meta(min_length=1, max_length=256)]
InputName = Annotated[str, Meta(pattern=r"\A[a-zA-Z_][a-zA-Z0-9_]{0,63}\Z")]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]

SAMPLES_MAX = 10_000
UI_TYPE = "UiUpdate"


class DefinitionPart(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """Base of all structs of a definition."""


class InputSpec(DefinitionPart, kw_only=True, frozen=True):
    """A field of a series: its last value, or a window of its last `samples` or `seconds`.

    A value older than `max_age_s` counts as none. Without `aggregate` a window is a list, the
    newest value last.
    """

    address: str
    type: Name | None = None
    view: Name | None = None
    field: FieldPath
    kind: InputKind = "number"
    samples: Annotated[int, Meta(ge=1, le=SAMPLES_MAX)] | None = None
    seconds: Seconds | None = None
    aggregate: Aggregate | None = None
    max_age_s: Seconds | None = None

    @property
    def is_window(self) -> bool:
        return self.samples is not None or self.seconds is not None

    @property
    def series(self) -> Series:
        """The series of the field; raises AddressError."""
        at = addresses.parse(self.address)
        kind = UI_TYPE if at.lane == "ui" else self.type or ""
        ids = (at.system_id or "", at.container_id or "", at.unique_id or "")
        return Series(at.scope_id, at.lane, *ids, kind, self.view or "")


class OutputSpec(DefinitionPart, kw_only=True, frozen=True):
    """The series and the field of the derived value. With `card`, a view shows it as well."""

    address: str
    type: Name
    field: FieldPath
    kind: InputKind = "number"
    unit: str | None = None
    title: Title | None = None
    card: bool = True

    @property
    def series(self) -> Series:
        """The series of the parsed events; raises AddressError."""
        at = addresses.parse(self.address)
        ids = (at.system_id or "", at.container_id or "", at.unique_id or "")
        return Series(at.scope_id, at.lane, *ids, self.type, "")


class Definition(DefinitionPart, kw_only=True, frozen=True):
    """One version of a definition, with an `expression` in CEL or the name of a `function`.

    An event with a field of the inputs in `triggers` (empty: all inputs) makes an output. A
    `vectorised` function gets columns. One that is not `live` is only derived over history.
    """

    id: Name
    version: Version
    inputs: dict[InputName, InputSpec]
    output: OutputSpec
    expression: str | None = None
    function: Name | None = None
    vectorised: bool = False
    triggers: tuple[InputName, ...] = ()
    live: bool = True

    @property
    def name(self) -> str:
        """Id and version, as commands name it."""
        return f"{self.id}@{self.version}"

    @property
    def triggering(self) -> tuple[str, ...]:
        """The names of the inputs that make outputs."""
        return self.triggers or tuple(self.inputs)

    @property
    def view_id(self) -> str:
        """The view that shows the output."""
        return f"derived.{self.id}"
