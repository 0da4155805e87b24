"""Where the audit events of an unfiltered range are, which most requests hide. They are few, so
their index finds them, and the rows between them are delivered without a look at each.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from heapq import heappop, heapreplace
from itertools import takewhile
from typing import NamedTuple

from nova.core.ordering import EVENT_KEY_BYTES, TIME_BYTES, Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.key_value import KeyValue
from nova.core.store.series_reader import SeriesSeeker
from nova.sdk.timestamps import NS_MAX, NS_MIN

ROWS_PER_SEEK = 50
"""Rows that are filtered in the time of one seek in an index."""

BEFORE_ALL = 2 * NS_MIN
AFTER_ALL = 2 * NS_MAX
"""Less and more than the position of any event."""


class _NextEvent(NamedTuple):
    """The next event of a hidden series; `position` is its time, negative if read backwards."""

    position: int
    number: int


class HiddenEvents:
    """The hidden events of one pass over a range, in either direction. A block of rows in which
    finding them would cost more than filtering is filtered.
    """

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        timebase: Timebase,
        bounds_ns: tuple[int, int],
        *,
        reverse: bool,
        rows_per_seek: int = ROWS_PER_SEEK,
    ) -> None:
        self._table = snapshot.series
        self._index = snapshot.archive.series
        self._timebase = timebase
        self._bounds_ns = bounds_ns
        self._reverse = reverse
        self._rows_per_seek = rows_per_seek
        self._next: list[_NextEvent] | None = None
        self._clear_until = BEFORE_ALL
        """No event before this position is hidden, of those that are still to come."""

        self._floor = BEFORE_ALL
        self._found: deque[int] = deque()
        """Positions at or after the floor, ascending, up to those in `_next`."""

    def without(self, rows: list[KeyValue], *, starts_slice: bool) -> list[KeyValue]:
        """The rows of a block that are not hidden. No block starts before the slice that it is in,
        and no slice before the one before it: the end of a slice may be read again.
        """
        if not self._table.audit_suffixes or not rows:
            return rows
        if self._next is None and len(rows) < self._rows_per_seek:
            return self._filtered(rows)
        if self._position_of(rows[-1]) < self._clear_until:
            return rows
        if starts_slice:
            self._raise_floor(self._position_of(rows[0]))
        positions = self._positions_in(rows)
        if positions is None:
            return self._filtered(rows)
        kept, done = [], 0
        for position in positions:
            start = bisect_left(rows, position, done, key=self._position_of)
            stop = bisect_right(rows, position, start, key=self._position_of)
            kept += rows[done:start] + self._filtered(rows[start:stop])
            done = stop
        return kept + rows[done:] if done else rows

    def without_seeks(self, rows: list[KeyValue]) -> list[KeyValue]:
        """The rows that are not hidden, of a block from memory, which no index knows yet."""
        return self._filtered(rows) if self._table.audit_suffixes else rows

    def _filtered(self, rows: list[KeyValue]) -> list[KeyValue]:
        side, hidden = self._timebase == "source", self._table.audit_suffixes
        return [row for row in rows if row[side][TIME_BYTES:EVENT_KEY_BYTES] not in hidden]

    def _positions_in(self, rows: list[KeyValue]) -> Sequence[int] | None:
        """The positions of hidden events in a block; None if they would take too many seeks."""
        first, last = self._position_of(rows[0]), self._position_of(rows[-1])
        if self._next is None:
            # Series that are numbered later have no event up to the watermark of the pass.
            self._next = [_NextEvent(BEFORE_ALL, one) for one in self._table.audit_numbers]
        if not self._seek_past(last, self._next, len(rows) // self._rows_per_seek):
            return None
        until_last = takewhile(lambda position: position <= last, self._found)
        positions = [position for position in until_last if position >= first]
        if not self._found:
            self._clear_until = self._next[0].position if self._next else AFTER_ALL
        return positions

    def _raise_floor(self, position: int) -> None:
        self._floor = position
        while self._found and self._found[0] < position:
            self._found.popleft()

    def _seek_past(self, last: int, following: list[_NextEvent], seeks_max: int) -> bool:
        """Find the hidden events up to `last`; False if that takes more seeks than allowed."""
        if not following or following[0].position > last:
            return True
        seeker = self._index.seeker(self._timebase)
        for _ in range(seeks_max):
            if following[0].position >= self._floor:
                self._found.append(following[0].position)
            self._advance(seeker, following)
            if not following or following[0].position > last:
                return True
        return False

    def _advance(self, seeker: SeriesSeeker, following: list[_NextEvent]) -> None:
        """Replace the first of a heap by the next event of its series from the floor on."""
        start_ns, stop_ns = self._bounds_ns
        number, origin = following[0].number, -stop_ns if self._reverse else start_ns
        at = max(following[0].position + 1, self._floor, origin)
        time_ns = None
        if self._reverse and -at >= start_ns:
            time_ns = seeker.last_time(number, start_ns, -at)
        elif not self._reverse and at <= stop_ns:
            time_ns = seeker.first_time(number, at, stop_ns)
        if time_ns is None:
            heappop(following)
        else:
            heapreplace(following, _NextEvent(self._position(time_ns), number))

    def _position_of(self, row: KeyValue) -> int:
        return self._position(time_of(row[0]))

    def _position(self, time_ns: int) -> int:
        return -time_ns if self._reverse else time_ns
