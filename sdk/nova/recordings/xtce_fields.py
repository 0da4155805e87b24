"""Decodes the fields of a packet one by one, so that a failing field affects only itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, cast

from nova.recordings.decimals import shortest
from nova.sdk.optional_imports import import_optional

CUT_SHORT = "the packet ends before its definition does: the fields present are decoded"
RAW_VALUE = "a value outside its enumeration or calibration: kept as the raw number"
AS_HEX = "a field that cannot be decoded: kept as hex"

ENUMERATED, BOOLEAN = "EnumeratedParameterType", "BooleanParameterType"
POSITION, SIZE, RAW = "_parsing_pos", "_calculate_size", "_get_raw_value"
"""Internal names of the library: read position, a field's size in bits, its raw number."""


class _Packet(Protocol):
    binary_data: bytes


class FieldEncoding(Protocol):
    """A field's encoding. Its internal methods are called by name."""


class FieldType(Protocol):
    """A field's type."""

    encoding: FieldEncoding

    def parse_value(self, packet: _Packet) -> object: ...


class ContainerEntry(Protocol):
    """An entry of a container: a parameter, or a nested container."""

    name: str


class XtceField(NamedTuple):
    """A field and its decoder; `float_bits` is set (16, 32) for uncalibrated IEEE floats only."""

    name: str
    parse: Callable[[_Packet], object]
    encoding: FieldEncoding
    float_bits: int
    kind: FieldType


def fields_of(entries: Sequence[ContainerEntry]) -> Iterator[XtceField]:
    """The fields of a container's entries in order, including nested containers."""
    for entry in entries:
        nested = getattr(entry, "entry_list", None)
        if nested is not None:
            yield from fields_of(nested)
        else:
            kind = cast(FieldType, getattr(entry, "parameter_type", None))
            yield XtceField(entry.name, kind.parse_value, kind.encoding, _float_bits(kind), kind)


def _float_bits(kind: FieldType) -> int:
    encoding = kind.encoding
    is_ieee = str(getattr(encoding, "encoding", "")).startswith("IEEE")
    if type(kind).__name__ in (ENUMERATED, BOOLEAN):
        return 0
    calibrators = ("default_calibrator", "context_calibrators")
    if not is_ieee or any(getattr(encoding, name, None) for name in calibrators):
        return 0
    bits = getattr(encoding, "size_in_bits", 0)
    return bits if bits in (16, 32) else 0


class FieldDecoder:
    """Decodes fields in order, from a bit on; `is_past_end` is set at a field beyond the packet's
    end.
    """

    def __init__(self, data: bytes, begin_bits: int = 0) -> None:
        packet = import_optional("space_packet_parser.common").SpacePacket(binary_data=data)
        setattr(packet, POSITION, begin_bits)
        self._packet = cast(_Packet, packet)
        self.values = cast(dict[str, object], packet)
        self.notes: list[str] = []
        self.is_past_end = False

    def read(self, fields: Sequence[XtceField]) -> None:
        """Decode fields into `values`."""
        packet, values = self._packet, self.values
        for name, parse, encoding, float_bits, _ in fields:
            begin = self._at_bits
            try:
                value = parse(packet)
            except Exception:  # The library raises various errors; the field's raw data is kept.
                self._store_raw(name, encoding, begin)
                if self.is_past_end:
                    return
                continue
            values[name] = _shortest_float(value, float_bits) if float_bits else value

    @property
    def _at_bits(self) -> int:
        """The read position in bits; the library has no public name for it."""
        return cast(int, getattr(self._packet, POSITION))

    def _store_raw(self, name: str, encoding: FieldEncoding, begin: int) -> None:
        """Store the raw number or the bytes of a field, and continue after it."""
        bits = self._bits(encoding)
        if bits is None or begin + bits > len(self._packet.binary_data) * 8:
            self.notes.append(CUT_SHORT)
            self.is_past_end = True
            return
        setattr(self._packet, POSITION, begin)
        raw = self._raw(encoding)
        self.values[name] = self._hex(begin, bits) if raw is None else raw
        self.notes.append(AS_HEX if raw is None else RAW_VALUE)
        setattr(self._packet, POSITION, begin + bits)

    def _hex(self, begin: int, bits: int) -> str:
        """The bits of a field as hex, right-aligned in whole bytes."""
        data = self._packet.binary_data
        behind = len(data) * 8 - begin - bits
        number = int.from_bytes(data) >> behind & ((1 << bits) - 1)
        return number.to_bytes((bits + 7) // 8).hex()

    def _bits(self, encoding: FieldEncoding) -> int | None:
        """The size of a field in bits; None if it cannot be determined."""
        try:
            bits = cast(int, getattr(encoding, SIZE)(self._packet))
        except Exception:  # The size may depend on fields that are missing.
            return None
        return bits if bits >= 0 else None

    def _raw(self, encoding: FieldEncoding) -> object:
        """The number before calibration; None for other encodings."""
        common = import_optional("space_packet_parser.common")
        try:
            raw = getattr(encoding, RAW)(self._packet)
            kind = common.FloatParameter if isinstance(raw, float) else common.IntParameter
            return cast(object, kind(raw))
        except Exception:
            return None


def _shortest_float(value: object, bits: int) -> object:
    """A narrow float as its own shortest decimal."""
    value = cast(float, value)
    written = shortest(value, bits)
    if written == value:
        return value
    return cast(
        object, import_optional("space_packet_parser.common").FloatParameter(written, value)
    )
