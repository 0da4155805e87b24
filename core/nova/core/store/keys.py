"""The byte layout of keys and values in each column family of the archive.

canonical         canonical time (8) + series (4)           stored envelope
source            source time (8) + lane (1) + eventId (32) canonical time (8) + series (4)
series_canonical  series (4) + canonical time (8)           empty
series_source     series (4) + source time (8) + id head (16)  canonical time (8)
catalog           text, `/` between its parts               small records, see catalog.py

The key in `canonical` is the event key, and so is the value in `source`. An eventId is 32 bytes
that do not compress. It is stored whole only in `source`, where it orders events of one source
time, and in the envelope. Within one series and nanosecond its first half is enough: finding two
events that share it takes 2^64 hashes. Each canonical time belongs to one event.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from nova.core.ordering import (
    EVENT_ID_BYTES,
    EVENT_ID_OFFSET,
    SERIES_BYTES,
    TIME_BYTES,
    Timebase,
    time_of,
    unsigned_time,
)

TIMEBASE_BYTES: dict[Timebase, bytes] = {"source": b"s", "canonical": b"c"}
EVENT_FAMILIES = ("canonical", "source", "series_canonical", "series_source")
"""Each has one row per event; rows are not replaced, and only retention removes them."""

FAMILIES = (*EVENT_FAMILIES, "catalog")

_SERIES = struct.Struct(">I")
_EVENT_KEY = struct.Struct(">QI")
_ID_TEXT = slice(len('{"eventId":"'), len('{"eventId":"') + 2 * EVENT_ID_BYTES)

ID_HEAD_BYTES = EVENT_ID_BYTES // 2
LAST_EVENT_ID = b"\xff" * EVENT_ID_BYTES


def series_bytes(number: int) -> bytes:
    return _SERIES.pack(number)


def event_keys(first_ns: int, series: Sequence[int]) -> list[bytes]:
    """Event keys of events that are 1 ns apart from `first_ns` on."""
    pack, first = _EVENT_KEY.pack, unsigned_time(first_ns)
    return [pack(time, number) for time, number in enumerate(series, first)]


def series_key(series: bytes, time: bytes, event_id: bytes = b"") -> bytes:
    """A key of a `series_…` family; only source time has the eventId."""
    return series + time + event_id[:ID_HEAD_BYTES]


def series_source_key(series: bytes, source_key: bytes) -> bytes:
    """The key in `series_source` of the event with this order key."""
    head = source_key[EVENT_ID_OFFSET : EVENT_ID_OFFSET + ID_HEAD_BYTES]
    return series + source_key[:TIME_BYTES] + head


def series_key_time(key: bytes) -> int:
    return time_of(key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES])


def timeline_key(key: bytes, lane: int) -> bytes:
    """Convert a series key to a key that sorts in the timeline of its timebase: in source time an
    order key with the first half of the eventId, in canonical time the event key.
    """
    end = SERIES_BYTES + TIME_BYTES
    time, event_id = key[SERIES_BYTES:end], key[end:]
    return time + bytes((lane,)) + event_id if event_id else time + key[:SERIES_BYTES]


def complete_order_key(key: bytes, stored: bytes) -> bytes:
    """The whole order key in source time for `key`, whose eventId is cut short; the rest comes from
    the stored envelope.
    """
    return key[:EVENT_ID_OFFSET] + event_id_of(stored)


def event_id_of(stored: bytes) -> bytes:
    """The 32 bytes of the eventId, with which every stored envelope begins."""
    return bytes.fromhex(stored[_ID_TEXT].decode())
