"""CCSDS day-segmented time (CDS, CCSDS 301.0-B): days since 1958, milliseconds, microseconds.

The secondary header of JPSS and others: 16 + 32 + 16 bits without a preamble field.
"""

from __future__ import annotations

import struct

SIZE_BYTES = 8
DAYS_1958_TO_1970 = 4383
NS_PER_DAY = 86_400 * 1_000_000_000
MS_PER_DAY_MAX = 86_401_000  # A day with a leap second.
_FIELDS = struct.Struct(">HIH")


def decode(field: bytes) -> int | None:
    """Nanoseconds since 1970; None if the bytes are not a valid time."""
    if len(field) < SIZE_BYTES:
        return None
    days, milliseconds, microseconds = _FIELDS.unpack_from(field)
    if milliseconds >= MS_PER_DAY_MAX or microseconds >= 1000:
        return None
    ns = (days - DAYS_1958_TO_1970) * NS_PER_DAY
    return int(ns + milliseconds * 1_000_000 + microseconds * 1000)


def encode(ns: int) -> bytes:
    """The eight bytes of a time, in whole microseconds."""
    days, rest = divmod(ns, NS_PER_DAY)
    milliseconds, rest = divmod(rest, 1_000_000)
    return _FIELDS.pack(days + DAYS_1958_TO_1970, milliseconds, rest // 1000)
