"""Reads the events that index rows point to: dense runs of keys by scans, outliers by multi-get.

Events that are adjacent in one timebase mostly are in the other too, and a scan is several times
faster than point reads. A late event is far from its neighbours in source time; scans therefore
cover only the dense runs of the sorted event keys.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import cast

from nova.core.errors import ArchiveDamagedError
from nova.core.ordering import LAST_TAIL, time_key, time_of
from nova.core.store.archive import Archive
from nova.sdk.timestamps import NS_MAX, NS_MIN

DENSE_MIN_EVENTS = 16
DENSE_REACH = 0.75
"""The dense run is the interquartile range of keys, widened by DENSE_REACH × its width on both
sides. For evenly spread keys, 0.5 would already reach the first and the last.
"""

SPARSER_MAX = 16
"""Runs whose mean key spacing exceeds SPARSER_MAX × that of the first run are read by multi-get."""

DENSE_WASTE_MAX = 6
DENSE_SLACK_ROWS = 32
"""A scan stops once it has read DENSE_WASTE_MAX × the wanted rows up to there, and a few more;
multi-get is cheaper for the rest.
"""

LOOK_UP_EVENTS = 64


def look_up(
    archive: Archive, event_keys: Sequence[bytes], sorted_keys: Sequence[bytes], max_bytes: int
) -> list[bytes]:
    """The stored envelopes of event keys, in the order given. The second argument holds the same
    keys sorted. If the envelopes exceed `max_bytes`, the result ends with the one that does. Raises
    ArchiveDamagedError if an event is missing.
    """
    near, near_bytes = _scan_dense_runs(archive, sorted_keys, max_bytes)
    far_bytes = 0
    found = list(map(near.get, event_keys))
    if not all(found):
        far = [number for number, envelope in enumerate(found) if envelope is None]
        for start in range(0, len(far), LOOK_UP_EVENTS):
            part = far[start : start + LOOK_UP_EVENTS]
            wanted = [event_keys[number] for number in part]
            for number, envelope in zip(part, archive.events.envelopes(wanted), strict=True):
                found[number] = require_envelope(event_keys[number], envelope)
                far_bytes += len(envelope or b"")
            if far_bytes >= max_bytes:
                del found[part[-1] + 1 :]
                break
    stored = cast("list[bytes]", found)
    return stored if near_bytes + far_bytes <= max_bytes else _truncate(stored, max_bytes)


def _truncate(stored: list[bytes], max_bytes: int) -> list[bytes]:
    """The first envelopes, up to and with the one that reaches `max_bytes`."""
    ends = accumulate(map(len, stored))
    return stored[: 1 + sum(1 for _ in takewhile(lambda end: end < max_bytes, ends))]


def require_envelope(event_key: bytes, envelope: bytes | None) -> bytes:
    """Check that the event key of an index row has an envelope; raises ArchiveDamagedError."""
    if envelope is None:
        raise ArchiveDamagedError(
            f"an index row points to event {event_key.hex()}, which the archive does not contain"
        )
    return envelope


def _scan_dense_runs(
    archive: Archive, sorted_keys: Sequence[bytes], max_bytes: int
) -> tuple[dict[bytes, bytes], int]:
    """All rows that scans over the dense runs of sorted keys read, also those between the keys, and
    their size in bytes.
    """
    values: dict[bytes, bytes] = {}
    size = 0
    for part in _dense_runs(sorted_keys):
        read = 0
        for rows, size_bytes in archive.events.scan_blocks(
            "canonical", part[0], part[-1], expected_rows=len(part)
        ):
            values.update(rows)
            size += size_bytes
            if size > 2 * max_bytes:
                return values, size
            read += len(rows)
            wanted = bisect_right(part, rows[-1][0])
            if read > DENSE_WASTE_MAX * wanted + DENSE_SLACK_ROWS:
                break
    return values, size


def _dense_runs(sorted_keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The dense runs of sorted keys: the batches in which a slice of source time was received."""
    left = [sorted_keys]
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
