"""Every byte layout of the truth store (nova.md §5): how keys and values of each family are made
and read.

canonical         canonical time (8) + series (4)           stored envelope
source            source time (8) + lane (1) + eventId (32) canonical time (8) + series (4)
series_canonical  series (4) + canonical time (8)           empty
series_source     series (4) + source time (8) + id head (16)  canonical time (8)
catalog           text, `/` between its parts               small records, see catalog.py

The key in `canonical` is the event's place, and the value in `source` is that place. An eventId is
32 bytes that nothing compresses. It stands whole where it decides something: among events of one
source time, and in the envelope itself. Within a series and a nanosecond its first half decides as
well, for it takes 2^64 hashes to find two that share it. A canonical time is one event's alone.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from core.ordering import (
    EVENT_ID_BYTES,
    EVENT_ID_OFFSET,
    SERIES_BYTES,
    TIME_BYTES,
    Timebase,
    time_keys,
    time_of,
)

TIMEBASE_BYTES: dict[Timebase, bytes] = {"source": b"s", "canonical": b"c"}
EVENT_FAMILIES = ("canonical", "source", "series_canonical", "series_source")
"""Each holds one row of every event; rows are neither replaced nor removed."""

FAMILIES = (*EVENT_FAMILIES, "catalog")

_SERIES = struct.Struct(">I")
_ID_TEXT = slice(len('{"eventId":"'), len('{"eventId":"') + 2 * EVENT_ID_BYTES)

ID_HEAD_BYTES = EVENT_ID_BYTES // 2
LAST_EVENT_ID = b"\xff" * EVENT_ID_BYTES


def series_bytes(number: int) -> bytes:
    """The four bytes of a series number."""
    return _SERIES.pack(number)


def place_keys(first_ns: int, series: Sequence[bytes]) -> list[bytes]:
    """The places of events with these series bytes that follow each other by a nanosecond."""
    times = time_keys(first_ns, len(series))
    return [time + number for time, number in zip(times, series, strict=True)]


def series_key(series: bytes, time: bytes, event_id: bytes = b"") -> bytes:
    """The key of an event among its series; the eventId belongs to source time alone."""
    return series + time + event_id[:ID_HEAD_BYTES]


def series_source_key(series: bytes, source_key: bytes) -> bytes:
    """The key in source time of an event with this order key."""
    head = source_key[EVENT_ID_OFFSET : EVENT_ID_OFFSET + ID_HEAD_BYTES]
    return series + source_key[:TIME_BYTES] + head


def series_key_time(key: bytes) -> int:
    """The time in a series key."""
    return time_of(key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES])


def series_key_order(key: bytes, lane: int) -> bytes:
    """The key of the event that a series key names in the timeline of that key's timebase: as much
    of its order key as decides in source time, its place in canonical time.
    """
    end = SERIES_BYTES + TIME_BYTES
    time, event_id = key[SERIES_BYTES:end], key[end:]
    return time + bytes((lane,)) + event_id if event_id else time + key[:SERIES_BYTES]


def whole_order(key: bytes, stored: bytes) -> bytes:
    """An order key in source time, of which a series key had a part, by the event's own id: the
    stored envelope begins with it.
    """
    return key[:EVENT_ID_OFFSET] + event_id_of(stored)


def event_id_of(stored: bytes) -> bytes:
    """The eventId of a stored envelope, which begins with it."""
    return bytes.fromhex(stored[_ID_TEXT].decode())
