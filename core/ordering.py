"""The ordering contract: time in the chosen timebase, then lane priority, then eventId
(A-034…A-048).

The single source of truth of order. An order key is bytes whose order is that order; the store's
keys begin with it, so a range scan comes out ordered. In source time it is 41 bytes: time, lane and
eventId. In canonical time it is the event's place, 12 bytes: the time, which the writer gives out
once, so that lane and eventId decide nothing, and the number of the series. The comparator says the
same in words, for tests and for the rare comparison outside the store.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal

Timebase = Literal["source", "canonical"]
TIMEBASES: tuple[Timebase, ...] = ("source", "canonical")

TIME_BYTES = 8
EVENT_ID_BYTES = 32
ORDER_KEY_BYTES = TIME_BYTES + 1 + EVENT_ID_BYTES
SERIES_BYTES = 4
PLACE_BYTES = TIME_BYTES + SERIES_BYTES
LANE_OFFSET = TIME_BYTES
EVENT_ID_OFFSET = LANE_OFFSET + 1

_SIGN = 1 << 63
_TIME = struct.Struct(">Q")
_TIME_LANE = struct.Struct(">QB")

TIMELESS_NS = 0
"""The epoch: the source time of what holds since ever, such as a manifest. It has its place in the
order like any other time; the bounds of an archive leave it out.
"""

FIRST_TAIL = b""
LAST_TAIL = b"\xff" * (1 + EVENT_ID_BYTES)


def time_key(ns: int) -> bytes:
    """Eight bytes that sort as the time does; the flipped sign bit puts times before 1970 first."""
    return _TIME.pack(ns + _SIGN)


def unsigned(ns: int) -> int:
    """The time as a key counts it: from the earliest that there is, never negative."""
    return ns + _SIGN


def time_keys(first_ns: int, count: int) -> list[bytes]:
    """The keys of so many times, each 1 ns after the one before."""
    first = first_ns + _SIGN
    return [_TIME.pack(time) for time in range(first, first + count)]


def time_of(key: bytes) -> int:
    """The time at the start of an order key, in ns since 1970."""
    return int.from_bytes(key[:TIME_BYTES], "big") - _SIGN


def order_key(ns: int, lane: int, event_id: bytes) -> bytes:
    """The 41 bytes that place an event in the order of source time."""
    return _TIME_LANE.pack(ns + _SIGN, lane) + event_id


def order_keys(
    times_ns: Sequence[int], lanes: Sequence[int], event_ids: Sequence[bytes]
) -> list[bytes]:
    """The same for a batch of events."""
    pack = _TIME_LANE.pack
    columns = zip(times_ns, lanes, event_ids, strict=True)
    return [pack(ns + _SIGN, lane) + event_id for ns, lane, event_id in columns]


def split(key: bytes) -> tuple[int, int, bytes]:
    """The time, lane and eventId of an order key."""
    return time_of(key), key[LANE_OFFSET], key[LANE_OFFSET + 1 : ORDER_KEY_BYTES]


def series_of(place: bytes) -> int:
    """The series number in a place."""
    return int.from_bytes(place[TIME_BYTES:PLACE_BYTES], "big")


def tail_of(series: int) -> bytes:
    """How the places of a series' events end."""
    return series.to_bytes(PLACE_BYTES - TIME_BYTES, "big")


def compare(left: tuple[int, int, bytes], right: tuple[int, int, bytes]) -> int:
    """-1, 0 or 1 as (time, lane, eventId) of the left comes before, with or after the right."""
    return (left > right) - (left < right)
