"""Looking up the events that an index names: neighbours together, outliers one by one.

What lies together in one order mostly lies together in the other too, and scanning is several times
faster than looking each up. An event that came late lies far from its neighbours in source time, so
scans cover the dense parts of the sorted places and leave the rest to a multi-get.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import cast

from core.errors import ArchiveDamagedError
from core.ordering import LAST_TAIL, time_key, time_of
from core.store.archive import Archive
from core.store.scan import blocks
from sdk.timestamps import NS_MAX, NS_MIN

DENSE_MIN_EVENTS = 16
DENSE_REACH = 0.75
"""Dense is the middle half of places and so many times as far as it spreads, to either side: from
evenly spread places half as far would reach their ends.
"""

SPARSER_MAX = 16
"""Places that lie so many times as sparse as the densest part are looked up one by one."""

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
    near, near_bytes = _dense(archive, in_order, max_bytes)
    far_bytes = 0
    found = list(map(near.get, places))
    if not all(found):
        far = [number for number, envelope in enumerate(found) if envelope is None]
        for start in range(0, len(far), LOOK_UP_EVENTS):
            part = far[start : start + LOOK_UP_EVENTS]
            wanted = [places[number] for number in part]
            for number, envelope in zip(part, archive.get_many("canonical", wanted), strict=True):
                found[number] = stored_at(places[number], envelope)
                far_bytes += len(envelope or b"")
            if far_bytes >= max_bytes:
                del found[part[-1] + 1 :]
                break
    stored = cast("list[bytes]", found)
    return stored if near_bytes + far_bytes <= max_bytes else _cut(stored, max_bytes)


def _cut(stored: list[bytes], max_bytes: int) -> list[bytes]:
    """The first envelopes, up to the one that passes `max_bytes`."""
    ends = accumulate(map(len, stored))
    return stored[: 1 + sum(1 for _ in takewhile(lambda end: end < max_bytes, ends))]


def stored_at(place: bytes, envelope: bytes | None) -> bytes:
    """The stored envelope at a place that an index names; it has to be there."""
    if envelope is None:
        raise ArchiveDamagedError(f"an index names event {place.hex()}, which is not there")
    return envelope


def _dense(
    archive: Archive, places: Sequence[bytes], max_bytes: int
) -> tuple[dict[bytes, bytes], int]:
    """What scans over the dense parts of sorted places find, of them and between them, and how many
    bytes that is.
    """
    values: dict[bytes, bytes] = {}
    size = 0
    for part in _dense_parts(places):
        before = len(values)
        for rows, size_bytes in blocks(
            archive.families["canonical"], part[0], part[-1], want=len(part)
        ):
            values.update(rows)
            size += size_bytes
            if size > 2 * max_bytes:
                return values, size
            if len(values) - before > DENSE_WASTE_MAX * len(part):
                break
    return values, size


def _dense_parts(places: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Runs of places that lie together: the batches that a slice of source time came in."""
    left = [places]
    sparsest = 0.0
    while left:
        some = left.pop()
        if len(some) < DENSE_MIN_EVENTS:
            continue
        quarter = len(some) // 4
        low, high = time_of(some[quarter]), time_of(some[-1 - quarter])
        spacing = (high - low) / len(some)
        if sparsest and spacing > sparsest:
            continue
        sparsest = sparsest or max(spacing, 1.0) * SPARSER_MAX
        reach = int(DENSE_REACH * (high - low))
        first = bisect_left(some, time_key(max(low - reach, NS_MIN)))
        last = bisect_right(some, time_key(min(high + reach, NS_MAX)) + LAST_TAIL)
        yield some[first:last]
        left += some[:first], some[last:]
