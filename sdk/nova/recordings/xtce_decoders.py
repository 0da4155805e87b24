"""Compiled decoders of an XTCE definition: one function per container, written for the places that
its fields and those of its bases have in the packet.

Which container a packet has is decided by the library once for each combination of the bits that
the restriction criteria refer to. A container whose fields have no fixed places is left to the
library, with all that extend it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from math import isfinite
from struct import Struct
from typing import Literal, NamedTuple, Protocol, cast

from nova.recordings.xtce_fields import ContainerEntry, FieldDecoder, XtceField
from nova.recordings.xtce_layout import PlacedField, layout_of
from nova.recordings.xtce_source import DecoderSource, bits_of
from nova.recordings.xtce_values import ShortestFloats, json_value

NOT_FINITE = "a field is NaN or infinite, which JSON cannot represent: left out"
SELECTED_MAX = 4096
"""Combinations of criteria bits that are remembered for a container; more begin again."""

_log = logging.getLogger(__name__)


class DecodedPacket(NamedTuple):
    """A decoded packet: the matching XTCE container, its fields, and notes on them."""

    container: str
    fields: dict[str, object]
    notes: tuple[str, ...] = ()


class Criterion(Protocol):
    """A restriction criterion of the library."""

    def evaluate(self, packet: Mapping[str, object]) -> bool: ...


class LibraryContainer(Protocol):
    """A container of the library."""

    name: str
    abstract: bool
    entry_list: Sequence[ContainerEntry]
    restriction_criteria: Sequence[Criterion]
    inheritors: Sequence[str]


class ContainerSource(Protocol):
    """What containers are compiled from."""

    def fields(self, name: str) -> Sequence[XtceField]:
        """The fields of a container without those of its base."""

    def container(self, name: str) -> LibraryContainer:
        """A container by its name."""

    def matching_inheritors(
        self, container: LibraryContainer, values: Mapping[str, object]
    ) -> list[LibraryContainer]:
        """The containers that extend `container` and whose criteria the values meet."""

    def decode_by_library(self, packet: bytes) -> DecodedPacket | None:
        """As the library decodes it."""


Decode = Callable[[bytes], DecodedPacket | None]


class ContainerDecoder:
    """Decodes packets of a container and of those that extend it; it is compiled at the first."""

    def __init__(
        self, definition: ContainerSource, name: str, base: tuple[XtceField, ...] = ()
    ) -> None:
        self._definition = definition
        self._container = definition.container(name)
        self._has_heirs = bool(self._container.inheritors)
        self._fields = (*base, *definition.fields(name))
        self._layout: Sequence[PlacedField] | None = None
        self._size_bytes = 0
        self._key: Callable[[bytes], object] | None = None
        self._selected: dict[object, _Selected] = {}
        self._heirs: dict[str, ContainerDecoder] = {}
        self._lay_out()

    def _lay_out(self) -> None:
        layout = layout_of(self._fields)
        if isinstance(layout, str):
            context = {"container": self._container.name, "reason": layout}
            _log.info("packets of a container are decoded slowly", extra={"context": context})
            return
        self._layout = layout
        self._size_bytes = (layout[-1].end + 7) // 8 if layout else 0
        self._key = self._key_of(layout)

    def decode(self, packet: bytes) -> DecodedPacket | None:
        """The same as the library decodes, mostly faster."""
        if self._key is None or len(packet) < self._size_bytes:
            return self._definition.decode_by_library(packet)
        selected = self._select(packet, self._key)
        if isinstance(selected, ContainerDecoder):
            return selected.decode(packet)
        if selected == "several" or self._container.abstract:
            return None
        return self._decode(packet)

    # --- which container --------------------------------------------------------------------------

    def _key_of(self, layout: Sequence[PlacedField]) -> Callable[[bytes], object]:
        """The function that reads the bits which decide about the inheritors."""
        names: set[str] = set()
        for name in self._container.inheritors:
            for criterion in self._definition.container(name).restriction_criteria:
                names.update(_referenced(criterion))
        bits = ", ".join(bits_of(one) for one in layout if one.field.name in names)
        function = eval(f"lambda data: ({bits})", {"from_bytes": int.from_bytes})
        return cast("Callable[[bytes], object]", function)

    def _select(self, packet: bytes, read_key: Callable[[bytes], object]) -> _Selected:
        """The decoder of the only container that extends this one for a packet."""
        if not self._has_heirs:
            return "none"
        key = read_key(packet)
        selected = self._selected.get(key)
        if selected is None:
            if len(self._selected) >= SELECTED_MAX:
                self._selected.clear()
            selected = self._selected[key] = self._find(packet)
        return selected

    def _find(self, packet: bytes) -> _Selected:
        reading = FieldDecoder(packet)
        reading.read(self._fields)
        matching = self._definition.matching_inheritors(self._container, reading.values)
        if len(matching) != 1:
            return "several" if matching else "none"
        name = matching[0].name
        if name not in self._heirs:
            self._heirs[name] = ContainerDecoder(self._definition, name, self._fields)
        return self._heirs[name]

    # --- its fields -------------------------------------------------------------------------------

    @cached_property
    def _decode(self) -> Decode:
        """The function, which is compiled for the first packet."""
        assert self._layout is not None
        source = DecoderSource(self._layout, _alone)
        text = "\n".join(_lines(self._container.name, source))
        names = source.names | {
            "unpack": Struct(source.format).unpack_from,
            "isfinite": isfinite,
            "finite_only": _finite_only,
            "DecodedPacket": DecodedPacket,
        }
        if source.narrow:
            names["shortest"] = ShortestFloats(len(source.narrow))
        exec(compile(text, f"<XTCE container {self._container.name}>", "exec"), names)
        return cast(Decode, names["decode"])


_Selected = ContainerDecoder | Literal["none", "several"]


def _lines(container: str, source: DecoderSource) -> Iterator[str]:
    """The source of the function."""
    yield "def decode(data):"
    has_notes = any("notes" in line for line in source.lines)
    if source.unpacked:
        yield f" {source.unpacked} = unpack(data)"
    if has_notes:
        yield " notes = []"
    yield from (f" {line}" for line in source.lines)
    doubtful = [f"{name} is None" for name in source.unknown]
    if source.floats:
        doubtful.append(f"not isfinite({' + '.join(source.floats)})")
        yield f" is_doubtful = {' or '.join(reversed(doubtful))}"
    elif doubtful:
        yield f" is_doubtful = {' or '.join(doubtful)}"
    if source.narrow:
        yield f" {', '.join(source.narrow)}, = shortest({', '.join(source.narrow)})"
    entries = ", ".join(f"{name!r}: {value}" for name, value in source.entries)
    yield f" fields = {{{entries}}}"
    notes = "tuple(dict.fromkeys(notes)) if notes else ()" if has_notes else "()"
    if doubtful:
        yield " if is_doubtful:"
        yield f"  return finite_only({container!r}, fields, {'notes' if has_notes else '[]'})"
    yield f" return DecodedPacket({container!r}, fields, {notes})"


def _finite_only(container: str, fields: dict[str, object], notes: list[str]) -> DecodedPacket:
    """A packet without the fields that have no JSON form, with a note if there are any."""
    finite = {
        name: value
        for name, value in fields.items()
        if value is not None and not (type(value) is float and not isfinite(value))
    }
    if len(finite) < len(fields):
        notes.append(NOT_FINITE)
    return DecodedPacket(container, finite, tuple(dict.fromkeys(notes)))


def _alone(placed: PlacedField) -> Callable[[bytes, list[str]], object]:
    """The function that lets the library decode one field; it appends its notes."""

    def decode(data: bytes, notes: list[str]) -> object:
        reading = FieldDecoder(data, placed.begin)
        reading.read((placed.field,))
        notes += reading.notes
        return json_value(reading.values[placed.field.name])

    return decode


def _referenced(criterion: object) -> Iterator[str]:
    """The names of the parameters that a criterion refers to."""
    for member in ("referenced_parameter", "left_param", "right_param"):
        name = getattr(criterion, member, None)
        if isinstance(name, str):
            yield name
    inner = getattr(criterion, "expression", None)
    if inner is not None:
        yield from _referenced(inner)
    for member in ("conditions", "ors", "ands"):
        for one in getattr(criterion, member, ()):
            yield from _referenced(one)
