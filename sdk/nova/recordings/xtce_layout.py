"""The layout of a container whose fields all have fixed places: which bits hold what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from nova.recordings.xtce_fields import BOOLEAN, ENUMERATED, FieldEncoding, XtceField

Content = Literal["integer", "float", "string", "binary"]
_CONTENTS: dict[str, Content] = {
    "IntegerDataEncoding": "integer",
    "FloatDataEncoding": "float",
    "StringDataEncoding": "string",
    "BinaryDataEncoding": "binary",
}
_SIZES: dict[Content, str] = {
    "integer": "size_in_bits",
    "float": "size_in_bits",
    "string": "fixed_length",
    "binary": "fixed_size_in_bits",
}
LITTLE = "leastSignificantByteFirst"


class PlacedField(NamedTuple):
    """A field with its first bit in the packet, its size and what it holds."""

    field: XtceField
    begin: int
    bits: int
    content: Content

    @property
    def end(self) -> int:
        """The first bit behind it."""
        return self.begin + self.bits

    @property
    def is_little(self) -> bool:
        """Whether its least significant byte is first."""
        return getattr(self.field.encoding, "byte_order", None) == LITTLE

    @property
    def is_enumerated(self) -> bool:
        return type(self.field.kind).__name__ == ENUMERATED

    @property
    def is_boolean(self) -> bool:
        return type(self.field.kind).__name__ == BOOLEAN

    @property
    def calibrator(self) -> object:
        """Its calibrator; None if it has none."""
        return getattr(self.field.encoding, "default_calibrator", None)


def layout_of(fields: Sequence[XtceField]) -> list[PlacedField] | str:
    """The fields with their places, or the reason why they have no fixed ones."""
    placed: list[PlacedField] = []
    at = 0
    for field in fields:
        content = _CONTENTS.get(type(field.encoding).__name__)
        bits = _fixed_bits(field.encoding)
        if content is None or bits is None:
            return f"{field.name} has no fixed size"
        if _depends_on_others(field.encoding):
            return f"the calibrator of {field.name} depends on other fields"
        placed.append(PlacedField(field, at, bits, content))
        at += bits
    if len({one.name for one in fields}) < len(fields):
        return "a field occurs twice"
    return placed


def places_of(fields: Sequence[XtceField]) -> dict[str, tuple[int, int]]:
    """The first bit and the size of each field, up to the first one without a fixed size. Of a
    field that occurs twice the last place counts, as the last value does.
    """
    places: dict[str, tuple[int, int]] = {}
    at = 0
    for field in fields:
        bits = _fixed_bits(field.encoding)
        if bits is None:
            break
        places[field.name] = (at, bits)
        at += bits
    return places


def _fixed_bits(encoding: FieldEncoding) -> int | None:
    content = _CONTENTS.get(type(encoding).__name__)
    bits = None if content is None else getattr(encoding, _SIZES[content], None)
    return bits if isinstance(bits, int) and bits > 0 else None


def _depends_on_others(encoding: FieldEncoding) -> bool:
    return bool(getattr(encoding, "context_calibrators", None))
