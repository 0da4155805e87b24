"""Writes the Python source of a decoder for one container of fixed layout: one `struct` for all of
its fields, shifts and masks for those that are no whole numbers of bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from nova.recordings.xtce_encodings import TO_SIGNED
from nova.recordings.xtce_fields import AS_HEX, RAW_VALUE
from nova.recordings.xtce_layout import PlacedField
from nova.recordings.xtce_values import (
    SAFE_INTEGER_MAX,
    SUMMED_MAX,
    calibration_of,
    mil_float,
    one_float,
    safe,
    shortest_half,
    text_of,
)

WORD_MAX_BYTES = 8
SAFE_BITS = SAFE_INTEGER_MAX.bit_length()
_WORDS = {8: "B", 16: "H", 32: "I", 64: "Q"}
_FLOATS = {16: "e", 32: "f", 64: "d"}
DecodeAlone = Callable[[PlacedField], Callable[[bytes, list[str]], object]]


class DecoderSource:
    """The parts of one decoder's source; `names` are what they refer to. A field that the source
    cannot describe is decoded by `decode_alone`.
    """

    def __init__(self, fields: Sequence[PlacedField], decode_alone: DecodeAlone) -> None:
        self.format = ">"
        self.names: dict[str, object] = {
            "from_bytes": int.from_bytes,
            "one_float": one_float,
            "mil_float": mil_float,
            "safe": safe,
            "shortest_half": shortest_half,
        }
        self.lines: list[str] = []
        self.entries: list[tuple[str, str]] = []
        """Names of fields with their expressions."""
        self.floats: list[str] = []
        """Variables that are floats, and may not be finite."""
        self.unknown: list[str] = []
        """Variables that may be None."""
        self.narrow: list[str] = []
        """Variables that are floats of 32 bits, to be written as their shortest decimals."""
        self._items: list[str] = []
        self._decode_alone = decode_alone
        groups = _groups(fields)
        for group in groups:
            self._add_group(group)

    @property
    def unpacked(self) -> str:
        """The variables of the items of the format."""
        return "".join(f"{item}, " for item in self._items)

    def _add_group(self, group: Sequence[PlacedField]) -> None:
        first = group[0]
        code = _code_of(first) if len(group) == 1 else None
        if code is not None:
            self._value(first, self._item(code))
            return
        size_bytes = (group[-1].end - first.begin + 7) // 8
        if size_bytes > WORD_MAX_BYTES:
            self.format += f"{size_bytes}x"
            for field in group:
                self._value(field, bits_of(field))
            return
        word = _WORDS.get(size_bytes * 8)
        item = self._item(word or f"{size_bytes}s")
        if word is None:
            self.lines.append(f"{item} = from_bytes({item})")
        end = first.begin + size_bytes * 8
        for field in group:
            self._value(field, _cut(item, end - field.end, field.bits, size_bytes * 8))

    def _item(self, code: str) -> str:
        self.format += code
        name = f"a{len(self._items)}"
        self._items.append(name)
        return name

    # --- values -----------------------------------------------------------------------------------

    def _value(self, field: PlacedField, read: str) -> None:
        """Add the lines and the entry of a field, of which `read` is the expression of its bits: a
        number, or what the item of its code is.
        """
        name = f"v{len(self.entries)}"
        is_named = field.is_enumerated or field.is_boolean
        if field.content == "integer" and not (is_named and field.calibrator):
            self._integer(field, name, read)
        elif field.content == "float" and not is_named:
            self._float(field, name, read)
        elif field.content == "string" and not is_named and _is_whole(field):
            self._text(field, name, read)
        elif field.content == "binary" and not is_named:
            whole = read if _is_whole(field) else f"({read}).to_bytes({(field.bits + 7) // 8})"
            self._enter(field, f"{whole}.hex()")
        else:
            self.names[f"alone{name}"] = self._decode_alone(field)
            self.lines.append(f"{name} = alone{name}(data, notes)")
            self.unknown.append(name)
            self._enter(field, name)

    def _enter(self, field: PlacedField, expression: str) -> None:
        self.entries.append((field.field.name, expression))

    def _integer(self, field: PlacedField, name: str, read: str) -> None:
        number = self._signed(field, name, read)
        if field.is_boolean:
            self._enter(field, f"{number} != 0")
        elif field.is_enumerated:
            self.names[f"labels{name}"] = dict(getattr(field.field.kind, "enumeration", {}))
            self._line(name, number)
            self._try(name, f"labels{name}[{name}]", f"safe({name})", RAW_VALUE)
            self._enter(field, name)
        elif field.calibrator is not None:
            self._line(f"x{name}", number)
            self._calibrated(field, name, is_float=False)
        else:
            bits = (field.bits + 7) // 8 * 8 if field.is_little else field.bits
            is_safe = bits <= SAFE_BITS  # Reversed bytes may hold more bits than the field.
            self._enter(field, number if is_safe else f"safe({number})")

    @staticmethod
    def _ordered(field: PlacedField, read: str) -> str:
        """The expression of a number with the most significant byte first."""
        if not field.is_little:
            return read
        if _is_whole(field):
            return f"from_bytes({read}, 'little')"
        return f"from_bytes(({read}).to_bytes({(field.bits + 7) // 8}, 'little'))"

    def _signed(self, field: PlacedField, name: str, read: str) -> str:
        """The expression of a number with its byte order and sign."""
        read = self._ordered(field, read)
        to_signed = getattr(field.field.encoding, TO_SIGNED, None)
        if to_signed is not None:
            self.names[f"signed{name}"] = to_signed
            return f"signed{name}({read}, {field.bits})"
        if _is_unsigned(field) or _is_struct_signed(field):
            return read
        if field.is_little:  # Its number may have more bits than the field.
            self._line(name, read)
            sign = 1 << field.bits - 1
            return f"({name} - {sign << 1} if {name} & {sign} else {name})"
        sign = 1 << field.bits - 1
        return f"(({read} ^ {sign}) - {sign})"

    def _float(self, field: PlacedField, name: str, read: str) -> None:
        if _is_mil(field):
            read = f"mil_float({self._ordered(field, read)})"
        elif field.is_little or not _is_whole(field):
            code = ("<" if field.is_little else ">") + _FLOATS[field.bits]
            whole = read if _is_whole(field) else f"({read}).to_bytes({field.bits // 8})"
            read = f"one_float({code!r}, {whole})"
        if field.calibrator is not None:
            self._line(f"x{name}", read)
            self._calibrated(field, name, is_float=True)
            return
        self._line(name, read)
        self.floats.append(name)
        if field.field.float_bits == 32:
            self.narrow.append(name)
        is_half = field.field.float_bits == 16
        # Zeros of both signs are equal, so they would share a place in its cache.
        self._enter(field, f"({name} and shortest_half({name}))" if is_half else name)

    def _calibrated(self, field: PlacedField, name: str, *, is_float: bool) -> None:
        """A calibrated number of the variable `x<name>`, or that number if it cannot be."""
        terms = _terms(field.calibrator)
        if terms is None:
            self.names[f"calibrate{name}"] = calibration_of(field.calibrator)
            expression = f"float(calibrate{name}(x{name}))"
        else:
            expression = self._polynomial(name, terms)
        raw = f"x{name}" if is_float else f"safe(x{name})"
        self._try(name, expression, raw, RAW_VALUE)
        self.floats.append(name if is_float else f"({name} if type({name}) is float else 0.0)")
        self._enter(field, name)

    def _polynomial(self, name: str, terms: Sequence[tuple[float, int]]) -> str:
        """The sum in the same order and precision as the library's, which begins with zero."""
        parts: list[str] = []
        for place, (coefficient, exponent) in enumerate(terms):
            constant = f"c{name}_{place}"
            self.names[constant] = coefficient
            power = {0: "", 1: f" * x{name}"}.get(exponent, f" * (x{name} ** {exponent})")
            parts.append(constant + power)
        if len(parts) <= SUMMED_MAX:
            return " + ".join(["0.0", *parts])
        return f"float(sum(({', '.join(parts)},)))"

    def _text(self, field: PlacedField, name: str, read: str) -> None:
        self.names[f"text{name}"] = text_of(field.field.encoding)
        self._try(name, f"text{name}({read})", f"{read}.hex()", AS_HEX)
        self._enter(field, name)

    def _line(self, name: str, expression: str) -> None:
        self.lines.append(f"{name} = {expression}")

    def _try(self, name: str, expression: str, instead: str, note: str) -> None:
        """Assign an expression, or another if that fails; each may have the variable itself."""
        self.lines += [
            "try:",
            f" {name} = {expression}",
            "except Exception:",
            f" {name} = {instead}",
            f" notes.append({note!r})",
        ]


def _groups(fields: Sequence[PlacedField]) -> Iterator[list[PlacedField]]:
    """Fields from one byte boundary to the next."""
    group: list[PlacedField] = []
    for field in fields:
        group.append(field)
        if field.end % 8 == 0:
            yield group
            group = []
    if group:
        yield group


def _is_whole(field: PlacedField) -> bool:
    """Whether it consists of whole bytes of the packet."""
    return field.begin % 8 == 0 and field.bits % 8 == 0


def _is_unsigned(field: PlacedField) -> bool:
    return getattr(field.field.encoding, "encoding", None) == "unsigned"


def _is_struct_signed(field: PlacedField) -> bool:
    """Whether its item of the struct has the sign already."""
    code = _code_of(field)
    return code is not None and code.islower() and not code.endswith("s")


def _is_mil(field: PlacedField) -> bool:
    return getattr(field.field.encoding, "encoding", None) == "MILSTD_1750A"


def _code_of(field: PlacedField) -> str | None:
    """The item of a struct that is the whole field; None if there is none such."""
    if not _is_whole(field):
        return None
    as_bytes = f"{field.bits // 8}s"
    if field.content in ("string", "binary"):
        return as_bytes
    if field.content == "float":
        if field.is_little:
            return as_bytes
        return "I" if _is_mil(field) else _FLOATS[field.bits]
    if field.is_little:
        return as_bytes
    word = _WORDS.get(field.bits)
    is_signed = not (_is_unsigned(field) or hasattr(field.field.encoding, TO_SIGNED))
    return word.lower() if word is not None and is_signed else word


def _cut(word: str, shift: int, bits: int, word_bits: int) -> str:
    """The expression of some bits of a number."""
    if bits == word_bits:
        return word
    shifted = f"{word} >> {shift}" if shift else word
    return f"({shifted} & {(1 << bits) - 1})"


def bits_of(field: PlacedField) -> str:
    """The expression of the number in a field's bits of `data`."""
    begin, end = field.begin // 8, (field.end + 7) // 8
    word = f"from_bytes(data[{begin}:{end}])"
    return _cut(word, end * 8 - field.end, field.bits, (end - begin) * 8)


def _terms(calibrator: object) -> list[tuple[float, int]] | None:
    """The coefficients and exponents of a polynomial; None for other calibrators."""
    found = getattr(calibrator, "coefficients", None)
    return None if found is None else [cast("tuple[float, int]", tuple(one)) for one in found]
