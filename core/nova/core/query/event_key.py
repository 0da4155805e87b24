"""The event keys of a series, in the order of a timebase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nova.core.ordering import EVENT_KEY_BYTES, SERIES_BYTES, TIME_BYTES, Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.column_cells import unsigned_times
from nova.core.store.column_codec import Integers
from nova.core.store.keys import series_bytes, series_key_time
from nova.sdk.timestamps import NS_MIN


class EventKey(NamedTuple):
    """An event's key in its series' index, and its event key."""

    index_key: bytes
    canonical_key: bytes

    @property
    def time_ns(self) -> int:
        """The event's time in the timebase of the index."""
        return series_key_time(self.index_key)


def event_times(event_keys: Sequence[bytes]) -> Integers:
    """The canonical times of events in ns."""
    keys = np.frombuffer(b"".join(event_keys), np.uint8).reshape(-1, EVENT_KEY_BYTES)
    times = np.ascontiguousarray(keys[:, :TIME_BYTES]).view(">u8").reshape(-1).astype(np.uint64)
    return unsigned_times(times.view(np.int64)).view(np.int64)


def event_series(event_keys: Sequence[bytes]) -> Integers:
    """The series numbers of events."""
    keys = np.frombuffer(b"".join(event_keys), np.uint8).reshape(-1, EVENT_KEY_BYTES)
    numbers = np.ascontiguousarray(keys[:, TIME_BYTES:]).view(">u4").reshape(-1)
    return numbers.astype(np.int64)


def event_keys(
    snapshot: ArchiveSnapshot,
    number: int,
    timebase: Timebase,
    time_ns: int,
    *,
    reverse: bool,
    from_ns: int = NS_MIN,
) -> Iterator[EventKey]:
    """The keys of the durable events of a series from `from_ns` to `time_ns`, both included;
    `reverse`: the last one first.
    """
    canonical = timebase == "canonical"
    if canonical:
        time_ns = min(time_ns, snapshot.watermark)
    prefix = series_bytes(number)
    rows = snapshot.archive.series.scan(number, timebase, from_ns, time_ns, reverse=reverse)
    for key, value in rows:
        time = key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES] if canonical else value
        if time_of(time) <= snapshot.watermark:
            yield EventKey(key, time + prefix)
