"""The order of events: time in the chosen timebase, then lane priority, then eventId.

No other module defines an order. An order key is bytes that sort in this order; the store's keys
begin with it, so a range scan returns events in order. In source time an order key has 41 bytes:
time, lane and eventId. In canonical time it is the event key, 12 bytes: the time and the series
number. The writer assigns each canonical time to one event, so lane and eventId decide nothing
there. `compare_events` states the same order on tuples, for tests and other comparisons.
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
EVENT_KEY_BYTES = TIME_BYTES + SERIES_BYTES
LANE_OFFSET = TIME_BYTES
EVENT_ID_OFFSET = LANE_OFFSET + 1

_SIGN = 1 << 63
_TIME = struct.Struct(">Q")
_TIME_LANE = struct.Struct(">QB")

UNDATED_NS = 0
"""The source time of undated events such as manifests: the epoch. It sorts like any other time, but
the extent of an archive leaves it out.
"""

FIRST_TAIL = b""
LAST_TAIL = b"\xff" * (1 + EVENT_ID_BYTES)


def time_key(ns: int) -> bytes:
    """Eight bytes, big-endian; the flipped sign bit sorts times before 1970 first."""
    return _TIME.pack(ns + _SIGN)


def last_key_at(ns: int, *, reverse: bool) -> bytes:
    """The bound of all keys up to and with a time, in the direction of reading."""
    return time_key(ns) if reverse else time_key(ns) + LAST_TAIL


def unsigned_time(ns: int) -> int:
    """The time as the unsigned number that a key holds: 0 is the earliest int64 time."""
    return ns + _SIGN


def time_of(key: bytes) -> int:
    """The time that an order key begins with, in ns since 1970."""
    return int.from_bytes(key[:TIME_BYTES], "big") - _SIGN


def times_of(keys: Sequence[bytes]) -> list[int]:
    """`time_of` each key; of a short key as well."""
    times = b"".join([key[:TIME_BYTES].rjust(TIME_BYTES, b"\0") for key in keys])
    return [time - _SIGN for time in struct.unpack(f">{len(keys)}Q", times)]


def order_key(ns: int, lane: int, event_id: bytes) -> bytes:
    """An order key in source time, 41 bytes."""
    return _TIME_LANE.pack(ns + _SIGN, lane) + event_id


def order_keys(
    times_ns: Sequence[int], lanes: Sequence[int], event_ids: Sequence[bytes]
) -> list[bytes]:
    """`order_key` of each event of a batch."""
    pack = _TIME_LANE.pack
    columns = zip(times_ns, lanes, event_ids, strict=True)
    return [pack(ns + _SIGN, lane) + event_id for ns, lane, event_id in columns]


def split_order_key(key: bytes) -> tuple[int, int, bytes]:
    """Time in ns, lane and eventId of an order key in source time."""
    return time_of(key), key[LANE_OFFSET], key[LANE_OFFSET + 1 : ORDER_KEY_BYTES]


def series_of_event_key(event_key: bytes) -> int:
    return int.from_bytes(event_key[TIME_BYTES:EVENT_KEY_BYTES], "big")


def event_key_tail(series: int) -> bytes:
    """The last four bytes of the event keys of a series."""
    return series.to_bytes(EVENT_KEY_BYTES - TIME_BYTES, "big")


def compare_events(left: tuple[int, int, bytes], right: tuple[int, int, bytes]) -> int:
    """-1, 0 or 1 if `left` (time, lane, eventId) sorts before, with or after `right`."""
    return (left > right) - (left < right)
