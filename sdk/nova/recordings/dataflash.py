"""ArduPilot's dataflash logs (`.bin`): records whose formats are in the log itself.

`pymavlink` would hold an index of the whole log and print what it skips, so it is used for the
formats and values only.
"""

from __future__ import annotations

import array
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from nova.sdk.optional_imports import import_optional

SYNC = b"\xa3\x95"
HEAD_BYTES = 3
FORMAT_TYPE, FORMAT_BYTES = 0x80, 89
MAGIC = SYNC + bytes([FORMAT_TYPE, FORMAT_TYPE, FORMAT_BYTES])
"""A log begins with the format of formats."""
READ_BYTES = 256 * 1024
RECORD_MAX_BYTES = 256
DEFINING = frozenset({"FMT", "FMTU", "UNIT", "MULT"})
"""Records that define others, and are no data."""
CUT = "cut short: the end of the last record is missing"


class LibraryFormat(Protocol):
    """The format of a kind of records, as pymavlink holds it."""

    name: str
    len: int
    format: str
    columns: list[str]
    msg_struct: str
    a_indexes: Sequence[int]
    instance_field: str | None
    units: list[str] | None


class DataflashRecord(NamedTuple):
    """A record: its values by name, its bytes, and where it is."""

    offset_bytes: int
    data: bytes
    format: LibraryFormat
    values: Mapping[str, object]

    @property
    def end_bytes(self) -> int:
        return self.offset_bytes + len(self.data)

    @property
    def units(self) -> dict[str, str]:
        """The units of the fields that have one."""
        units = self.format.units or ()
        return {name: unit for name, unit in zip(self.format.columns, units, strict=False) if unit}


class DataflashDamage(NamedTuple):
    """Bytes that are no records, and why."""

    offset_bytes: int
    size_bytes: int
    reason: str

    @property
    def end_bytes(self) -> int:
        return self.offset_bytes + self.size_bytes


class DataflashFormats:
    """The formats, units and multipliers that a log has defined so far."""

    def __init__(self) -> None:
        # The library's module has no types.
        self._library: Any = import_optional("pymavlink.DFReader", "recordings")
        columns = "Type,Length,Name,Format,Columns"
        first = self._library.DFFormat(FORMAT_TYPE, "FMT", FORMAT_BYTES, "BBnNZ", columns)
        self._formats: dict[int, LibraryFormat] = {FORMAT_TYPE: first}
        self._units: dict[str, str] = {}
        self._multipliers: dict[str, float] = {}

    def get(self, number: int) -> LibraryFormat | None:
        """The format of records with a type number."""
        return self._formats.get(number)

    def decode(self, found: LibraryFormat, data: bytes) -> dict[str, object] | None:
        """The values of a record; None if its format does not fit them."""
        try:
            elements: list[object] = list(struct.unpack(found.msg_struct, data[HEAD_BYTES:]))
            for number in found.a_indexes:
                elements[number] = array.array("h", cast(bytes, elements[number]))
            message = self._library.DFMessage(found, elements, True, None)
            values = {name: getattr(message, name) for name in found.columns}
            self._define(found.name, values)
        except Exception:  # struct.error, and what damaged formats lead to.
            return None
        return values

    def _define(self, name: str, values: dict[str, Any]) -> None:
        """Learn from a record that defines others."""
        if name == "FMT":
            self._add_format(values)
        elif name == "UNIT":
            self._units[chr(values["Id"])] = values["Label"]
        elif name == "MULT":
            self._multipliers[chr(values["Id"])] = values["Mult"]
        elif name == "FMTU" and (found := cast(Any, self._formats.get(values["FmtType"]))):
            found.set_unit_ids(values["UnitIds"], self._units)
            found.set_mult_ids(values["MultIds"], self._multipliers)

    def _add_format(self, values: dict[str, Any]) -> None:
        number, codes = values["Type"], values["Format"]
        # The library prints formats that it does not know.
        if number == FORMAT_TYPE or not set(codes) <= set(self._library.FORMAT_TO_STRUCT):
            return
        added = self._library.DFFormat(
            number, values["Name"], values["Length"], codes, values["Columns"]
        )
        if HEAD_BYTES + struct.calcsize(added.msg_struct) == values["Length"]:
            self._formats[number] = added


def scan_records(
    file: BinaryIO, formats: DataflashFormats
) -> Iterator[DataflashRecord | DataflashDamage]:
    """The records of a log, and the stretches of bytes that are none."""
    data, at, base = b"", 0, 0
    skipped = 0
    is_end = False
    while True:
        if not is_end and len(data) - at < RECORD_MAX_BYTES:
            more = file.read(READ_BYTES)
            is_end = not more
            data, base, at = data[at:] + more, base + at, 0
        if at + HEAD_BYTES > len(data):
            break
        record = _record_at(data, at, base, formats)
        if record is None:
            after = data.find(SYNC[:1], at + 1)
            step = (after if after >= 0 else len(data)) - at
            at, skipped = at + step, skipped + step
            continue
        if skipped:
            yield DataflashDamage(base + at - skipped, skipped, "no record")
            skipped = 0
        yield record
        at += len(record.data)
    rest = len(data) - at + skipped
    if rest:
        is_cut = data[at - skipped : at - skipped + len(SYNC)] == SYNC if skipped <= at else False
        yield DataflashDamage(base + len(data) - rest, rest, CUT if is_cut else "no record")


def _record_at(
    data: bytes, at: int, base: int, formats: DataflashFormats
) -> DataflashRecord | None:
    if data[at : at + len(SYNC)] != SYNC:
        return None
    found = formats.get(data[at + len(SYNC)])
    if found is None or at + found.len > len(data):
        return None
    whole = data[at : at + found.len]
    values = formats.decode(found, whole)
    return None if values is None else DataflashRecord(base + at, whole, found, values)
