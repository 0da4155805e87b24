"""Every byte layout of the truth store (nova.md §5): how keys and values of each family are made
and read.

canonical         canonical time (8)                            series (4) + stored envelope
source            source time (8) + lane (1) + eventId (32)     series (4) + canonical time (8)
series_canonical  series (4) + canonical time (8)               empty
series_source     series (4) + source time (8) + eventId (32)   canonical time (8)
catalog           text, `/` between its parts                   small records, see catalog.py

An eventId is 32 bytes that nothing compresses. It stands where it decides something: among events
of one source time, and in the envelope itself. A canonical time is one event's alone.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from core.ordering import EVENT_ID_BYTES, EVENT_ID_OFFSET, TIME_BYTES, time_of

SERIES_BYTES = 4
FAMILIES = ("canonical", "source", "series_canonical", "series_source", "catalog")

_SERIES = struct.Struct(">I")

LAST_EVENT_ID = b"\xff" * EVENT_ID_BYTES


def series_bytes(number: int) -> bytes:
    """The four bytes of a series number."""
    return _SERIES.pack(number)


def series_of(value: bytes) -> int:
    """The series number at the start of a value of `canonical` or `source`, or of a series key."""
    return int.from_bytes(value[:SERIES_BYTES], "big")


class EventRows(NamedTuple):
    """The four rows of one event: what differs between them; the key in `canonical` and the value
    in `series_source` are its canonical time.
    """

    canonical_value: bytes
    source_value: bytes
    series_canonical_key: bytes
    series_source_key: bytes


def event_rows(time: bytes, source_key: bytes, series: bytes, stored: bytes) -> EventRows:
    """What an event with this canonical time and this order key in source time is stored as."""
    return EventRows(
        series + stored,
        series + time,
        series + time,
        series + source_key[:TIME_BYTES] + source_key[EVENT_ID_OFFSET:],
    )


def envelope_of(value: bytes) -> bytes:
    """The stored envelope of a `canonical` value."""
    return value[SERIES_BYTES:]


def canonical_of_source(value: bytes) -> bytes:
    """The eight canonical time bytes in a `source` value."""
    return value[SERIES_BYTES : SERIES_BYTES + TIME_BYTES]


def series_key(series: bytes, time: bytes, event_id: bytes = b"") -> bytes:
    """The key of an event among its series; the eventId belongs to source time alone."""
    return series + time + event_id


def series_key_time(key: bytes) -> int:
    """The time in a series key."""
    return time_of(key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES])


def series_key_order(key: bytes, lane: int) -> bytes:
    """The order key of the event that a series key names, in that key's timebase."""
    end = SERIES_BYTES + TIME_BYTES
    time, event_id = key[SERIES_BYTES:end], key[end:]
    return time + bytes((lane,)) + event_id if event_id else time
