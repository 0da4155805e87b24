"""Time codes of secondary headers (CCSDS 301.0-B): day segmented (CDS) and unsegmented (CUC).

Written as `cds`, `cds:DAYS+SUB`, `cuc:COARSE+FINE` (widths in bytes), `cds:p` and `cuc` or `cuc:p`
(a P-field before the time gives its form), each with `@BYTES` for the bytes before it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from nova.recordings.cds import MS_PER_DAY_MAX, NS_PER_DAY
from nova.recordings.recording import RecordingError
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND

CCSDS_EPOCH_NS = timestamps.parse("1958-01-01T00:00:00Z")
MS_BYTES = 4
SUB_UNITS = {0: 0, 2: 1_000, 4: 1_000_000_000}
"""Width of the CDS submillisecond field in bytes, and its units per millisecond."""
_TEXT = re.compile(r"(cds|cuc)(?::(p|\d\+\d))?(?:@(\d{1,4}))?", re.ASCII)
_CUC_1958, _CUC_AGENCY, _CDS = 1, 2, 4


class CodedTime(NamedTuple):
    """A time in ns since 1970 on the writing clock, and its scale if the code implies it."""

    ns: int
    scale: str | None = None


class TimeCode(NamedTuple):
    """A time format: its kind, the widths of its two parts, and the number of bytes before it."""

    kind: str
    coarse_bytes: int
    fine_bytes: int
    offset_bytes: int = 0
    has_p_field: bool = False

    @property
    def needs_epoch(self) -> bool:
        """Whether its epoch is not implied and must be given."""
        return self.kind == "cuc" and not self.has_p_field

    @property
    def size_bytes(self) -> int:
        """Its size in the secondary header with the bytes before it; 0 if that varies."""
        if self.has_p_field:
            return 0
        between = MS_BYTES if self.kind == "cds" else 0
        return self.offset_bytes + self.coarse_bytes + between + self.fine_bytes

    def read(self, data: bytes, epoch_ns: int | None) -> CodedTime | None:
        """The time in a packet's data field; None if it is invalid."""
        data = data[self.offset_bytes :]
        if self.has_p_field:
            return _read_with_p_field(self.kind, data, epoch_ns)
        start_ns = epoch_ns if epoch_ns is not None else CCSDS_EPOCH_NS
        ns = _READERS[self.kind](data, self.coarse_bytes, self.fine_bytes)
        return None if ns is None else CodedTime(start_ns + ns)


CDS = TimeCode("cds", 2, 2)


def parse_time_code(text: str) -> TimeCode | None:
    """Parse a code name; None if it is not one. Raises RecordingError for invalid widths."""
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    kind, widths, offset = match[1], match[2], int(match[3] or 0)
    if widths == "p" or (widths is None and kind == "cuc"):
        return TimeCode(kind, 0, 0, offset, has_p_field=True)
    coarse, fine = (int(width) for width in (widths or "2+2").split("+"))
    if kind == "cds" and (coarse not in (2, 3) or fine not in SUB_UNITS):
        raise RecordingError(
            f"--time {text}: CDS has 2 or 3 bytes of days, and 0, 2 or 4 after them"
        )
    if kind == "cuc" and not 1 <= coarse <= 7:
        raise RecordingError(f"--time {text}: CUC has 1 to 7 bytes of seconds")
    return TimeCode(kind, coarse, fine, offset)


def _cds(data: bytes, day_bytes: int, sub_bytes: int) -> int | None:
    """Nanoseconds since the epoch from days, milliseconds, and micro- or picoseconds."""
    if len(data) < day_bytes + MS_BYTES + sub_bytes:
        return None
    days = int.from_bytes(data[:day_bytes])
    milliseconds = int.from_bytes(data[day_bytes : day_bytes + MS_BYTES])
    sub = int.from_bytes(data[day_bytes + MS_BYTES :][:sub_bytes])
    units = SUB_UNITS[sub_bytes]
    if milliseconds >= MS_PER_DAY_MAX or sub >= max(units, 1):
        return None
    return days * NS_PER_DAY + milliseconds * 1_000_000 + (sub * 1_000_000 // units if units else 0)


def _cuc(data: bytes, coarse_bytes: int, fine_bytes: int) -> int | None:
    """Nanoseconds since the epoch from seconds and a binary fraction, rounded to nearest."""
    size = coarse_bytes + fine_bytes
    if len(data) < size:
        return None
    count = int.from_bytes(data[:size]) * NS_PER_SECOND
    bits = 8 * fine_bytes
    return count + (1 << bits >> 1) >> bits


_READERS = {"cds": _cds, "cuc": _cuc}


def _read_with_p_field(kind: str, data: bytes, epoch_ns: int | None) -> CodedTime | None:
    """Read a time whose P-field gives its form, and whether it counts from 1958 or the epoch."""
    if len(data) < 2:
        return None
    first, second = data[0], data[1] if data[0] & 0x80 else 0
    data = data[2 if first & 0x80 else 1 :]
    code = first >> 4 & 7
    if kind == "cds" and code == _CDS:
        is_1958, scale = not first & 8, None
        sub_bytes = {0: 0, 1: 2, 2: 4}.get(first & 3)
        ns = None if sub_bytes is None else _cds(data, 3 if first & 4 else 2, sub_bytes)
    elif kind == "cuc" and code in (_CUC_1958, _CUC_AGENCY):
        is_1958, scale = code == _CUC_1958, "tai"
        coarse_bytes = (first >> 2 & 3) + 1 + (second >> 5 & 3)
        ns = _cuc(data, coarse_bytes, (first & 3) + (second >> 2 & 7))
    else:
        return None
    if ns is None:
        return None
    if is_1958:
        return CodedTime(CCSDS_EPOCH_NS + ns, scale)
    return None if epoch_ns is None else CodedTime(epoch_ns + ns)
