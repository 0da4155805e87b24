"""Looking up the events that an index names: neighbours together, outliers one by one.

What lies together in one order mostly lies together in the other too, and scanning is several times
faster than looking each up. An event that came late lies far from its neighbours in source time, so
the scan covers the dense middle of the sorted places and leaves the rest to a multi-get.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, takewhile
from typing import cast

from core.errors import ArchiveDamagedError
from core.ordering import TIME_BYTES, time_key, time_of
from core.store.archive import Archive
from core.store.scan import blocks
from sdk.timestamps import NS_MAX, NS_MIN

DENSE_MIN_EVENTS = 16
DENSE_SPREAD = 2
"""How many times as far as the middle half of the places spreads, to either side, is dense."""

DENSE_WASTE_MAX = 3
"""So many times as many rows as are wanted are read before it is no longer worthwhile."""

LOOK_UP_EVENTS = 64


def look_up(
    archive: Archive, places: Sequence[bytes], in_order: Sequence[bytes], max_bytes: int
) -> list[bytes]:
    """The stored envelopes at places, in the order of the places: of all, or of as many as pass
    `max_bytes` where they are large. `in_order` are the same places sorted. Raises
    ArchiveDamagedError where one is missing.
    """
    found = list(map(_dense(archive, in_order, max_bytes).get, places))
    size = 0
    if None in found:
        far = [number for number, envelope in enumerate(found) if envelope is None]
        for start in range(0, len(far), LOOK_UP_EVENTS):
            part = far[start : start + LOOK_UP_EVENTS]
            wanted = [places[number] for number in part]
            for number, envelope in zip(part, archive.get_many("canonical", wanted), strict=True):
                found[number] = stored_at(places[number], envelope)
                size += len(envelope or b"")
            if size >= max_bytes:
                del found[part[-1] + 1 :]
                break
    return _cut(cast("list[bytes]", found), max_bytes)


def _cut(stored: list[bytes], max_bytes: int) -> list[bytes]:
    """The first envelopes, up to the one that passes `max_bytes`."""
    if sum(map(len, stored)) > max_bytes:
        ends = accumulate(map(len, stored))
        del stored[1 + sum(1 for _ in takewhile(lambda end: end < max_bytes, ends)) :]
    return stored


def stored_at(place: bytes, envelope: bytes | None) -> bytes:
    """The stored envelope at a place that an index names; it has to be there."""
    if envelope is None:
        raise ArchiveDamagedError(f"an index names event {place.hex()}, which is not there")
    return envelope


def _dense(archive: Archive, places: Sequence[bytes], max_bytes: int) -> dict[bytes, bytes]:
    """What a scan over the dense part of sorted places finds, of them and between them."""
    values: dict[bytes, bytes] = {}
    if len(places) < DENSE_MIN_EVENTS:
        return values
    dense = _dense_part(places)
    size = 0
    for rows, size_bytes in blocks(
        archive.families["canonical"], dense[0], dense[-1], want=len(dense)
    ):
        values.update(rows)
        size += size_bytes
        if len(values) > DENSE_WASTE_MAX * len(dense) or size > 2 * max_bytes:
            break
    return values


def _dense_part(places: Sequence[bytes]) -> Sequence[bytes]:
    """The places around the middle one, without those that are far off."""
    quarter = len(places) // 4
    low, high = time_of(places[quarter]), time_of(places[-1 - quarter])
    reach = DENSE_SPREAD * (high - low)
    first = bisect_left(places, time_key(max(low - reach, NS_MIN)))
    last = bisect_right(places, time_key(min(high + reach, NS_MAX)) + b"\xff" * TIME_BYTES)
    return places[first:last]
