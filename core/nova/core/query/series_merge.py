"""Merges the indexes of wanted series into the order of a timebase, at the cost of one seek per
series and of the rows that are returned.

Between slices it holds the next rows of each series and no iterators. They stay right for the whole
pass: later commits are past its watermark, and rows are read anew after a deletion.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heapreplace

from nova.core.ordering import TIME_BYTES, Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import ID_HEAD_BYTES, LAST_EVENT_ID, series_bytes, timeline_key
from nova.sdk.address import LANE_PRIORITY

SEEKS_PER_SLICE = 1_000
"""A slice that only opens series takes some milliseconds."""

FIRST_ROWS = 1
GROWTH = 4
ROWS_MAX = 256
"""Rows that are read of a series at a time: few at first, more each time it runs out of them."""

INVERTED = bytes(255 - byte for byte in range(256))
"""Translates keys of one length so that they sort backwards."""


class _OpenSeries:
    """The next rows of one series, the last one first, and the index key behind which more are."""

    __slots__ = ("count", "is_read", "lane", "number", "prefix", "reached", "rows")

    def __init__(self, number: int, lane: int) -> None:
        self.number = number
        self.lane = lane
        self.prefix = series_bytes(number)
        self.count = FIRST_ROWS
        self.reached = b""
        self.rows: list[KeyValue] = []
        self.is_read = False


_Head = tuple[bytes, int, _OpenSeries, KeyValue]
"""A series' next row, with the key by which heads sort in the direction of reading, and the number
of the series.
"""


class SeriesMerge:
    """One pass over the indexes of series, between two order keys of a timebase."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        numbers: Sequence[int],
        timebase: Timebase,
        *,
        reverse: bool,
        seeks_per_slice: int = SEEKS_PER_SLICE,
    ) -> None:
        self._snapshot = snapshot
        self._numbers = numbers
        self._timebase: Timebase = timebase
        self._reverse = reverse
        self._seeks_per_slice = seeks_per_slice
        self._opened = 0
        self._heads: list[_Head] = []
        self._put_back: list[KeyValue] = []
        self._deletions = snapshot.archive.given_back.progress

    @property
    def done(self) -> bool:
        """Whether no rows are left."""
        is_open = self._opened == len(self._numbers)
        return is_open and not self._heads and not self._put_back

    def put_back(self, rows: list[KeyValue]) -> None:
        """Let `read` return these rows again; they are the last ones that it returned."""
        self._put_back = rows + self._put_back

    def read(self, lower: bytes, upper: bytes, after: bytes, count: int) -> list[KeyValue]:
        """The next rows, `count` at most: the order key (in source time with half of the eventId)
        and the event key of each. `after` is the key of the row before, empty at the start. No
        rows, though not `done`, if the slice went into opening series.
        """
        self._forget_deleted()
        index = _Index(self._snapshot, self._timebase, self._reverse, (lower, upper))
        if self._opened < len(self._numbers):
            self._open_series(index, after)
            if self._opened < len(self._numbers):
                return []
            heapify(self._heads)
        return self._merge(index, count)

    def _forget_deleted(self) -> None:
        """Start anew if events were deleted since the last slice: known rows may be of those."""
        deletions = self._snapshot.archive.given_back.progress
        if deletions != self._deletions:
            self._deletions, self._opened = deletions, 0
            self._heads, self._put_back = [], []

    def _open_series(self, index: _Index, after: bytes) -> None:
        names = self._snapshot.series.names
        some = self._numbers[self._opened : self._opened + self._seeks_per_slice]
        self._opened += len(some)
        for number in some:
            series = _OpenSeries(number, LANE_PRIORITY[names[number].lane])
            index.read_more(series, after)
            if series.rows:
                self._heads.append(self._head(series))

    def _merge(self, index: _Index, count: int) -> list[KeyValue]:
        heads = self._heads
        found, self._put_back = self._put_back[:count], self._put_back[count:]
        while heads and len(found) < count:
            _, _, series, row = heads[0]
            found.append(row)
            if not series.rows:
                index.read_more(series)
            if series.rows:
                heapreplace(heads, self._head(series))
            else:
                heappop(heads)
        return found

    def _head(self, series: _OpenSeries) -> _Head:
        row = series.rows.pop()
        key = row[0].translate(INVERTED) if self._reverse else row[0]
        return key, series.number, series, row


class _Index:
    """The index of a timebase between two order keys, as it is now."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        timebase: Timebase,
        reverse: bool,
        bounds: tuple[bytes, bytes],
    ) -> None:
        self._rows = snapshot.archive.series.seeker(timebase)
        self._is_canonical = timebase == "canonical"
        self._reverse = reverse
        self._bounds = bounds

    def read_more(self, series: _OpenSeries, after: bytes = b"") -> None:
        """Read the next rows of a series, behind those that were read before. A row whose order key
        `after` begins with is left out.
        """
        if series.is_read:
            return
        lower, upper = [self._index_key(series, bound) for bound in self._bounds]
        if series.reached:
            lower, upper = (lower, series.reached) if self._reverse else (series.reached, upper)
        count = series.count + bool(series.reached)  # The first row is the one that was reached.
        rows = self._rows.rows(lower, upper, count, reverse=self._reverse)
        series.is_read = len(rows) < count
        if rows and rows[0][0] == series.reached:
            del rows[0]
        if rows:
            series.reached = rows[-1][0]
        series.rows = self._timeline_rows(series, rows)
        if series.rows and after.startswith(series.rows[-1][0]):
            series.rows.pop()
            if not series.rows:
                self.read_more(series)
        series.count = min(GROWTH * series.count, ROWS_MAX)

    def _index_key(self, series: _OpenSeries, order: bytes) -> bytes:
        """Where a bound of the timeline is in the index of a series."""
        time, tail = series.prefix + order[:TIME_BYTES], order[TIME_BYTES:]
        if self._is_canonical or not tail or series.lane > tail[0]:
            return time
        if series.lane < tail[0]:
            return time + LAST_EVENT_ID
        return time + tail[1 : 1 + ID_HEAD_BYTES]

    def _timeline_rows(self, series: _OpenSeries, rows: list[KeyValue]) -> list[KeyValue]:
        """Order keys and event keys of index rows, the last one first."""
        prefix, lane = series.prefix, series.lane
        if self._is_canonical:
            keys = [timeline_key(key, lane) for key, _ in reversed(rows)]
            return list(zip(keys, keys, strict=True))
        return [(timeline_key(key, lane), value + prefix) for key, value in reversed(rows)]
