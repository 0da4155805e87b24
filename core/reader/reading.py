"""Reading a range in order, slice by slice: every query, replay and export reads through here.

A slice opens its own iterator and seeks behind the last event of the slice before, so a reading
that pauses for hours pins no files, and a slice is short enough that sockets are served in between.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from core.ordering import (
    LAST_TAIL,
    ORDER_KEY_BYTES,
    PLACE_BYTES,
    TIME_BYTES,
    Timebase,
    time_key,
)
from core.reader.lookup import look_up
from core.reader.plan import merging_is_cheaper
from core.reader.selection import Selection
from core.reader.view import View
from core.store.keys import (
    LAST_EVENT_ID,
    series_bytes,
    series_key,
    series_key_order,
    whole_order,
)
from core.store.scan import Row, blocks, scan
from sdk.address import LANE_PRIORITY
from sdk.timestamps import NS_MAX, NS_MIN

SLICE_MAX_ROWS = 5_000
SLICE_MAX_BYTES = 1024 * 1024
TURN_MAX_EVENTS = 1_000
"""A few milliseconds of reading."""

PASSES_PER_TURN = 3
"""What is pushed takes so many passes of the loop from the writer's socket to a client's."""

BEHIND_ALL = b"\xff" * ORDER_KEY_BYTES
"""The `after` of a reading that reads nothing of the past."""

NO_KEY = b""
"""The key of an event that no reading can be resumed behind."""

Found = tuple[bytes, bytes]
"""An event of a reading: its key in the timeline of the reading's timebase, and its stored
envelope.
"""


class Span(NamedTuple):
    """A range of time in one timebase, both ends included, and the direction it is read in."""

    timebase: Timebase
    start_ns: int = NS_MIN
    stop_ns: int = NS_MAX
    reverse: bool = False


class Reading:
    """One pass over a span; `done` once nothing is left, `after` is the last key that was
    examined. It `merges` the indexes of the wanted series, or scans; left open, what is cheaper.
    """

    def __init__(
        self,
        view: View,
        selection: Selection,
        span: Span,
        after: bytes | None = None,
        *,
        merges: bool | None = None,
    ) -> None:
        view.refresh(span.stop_ns if span.timebase == "canonical" else NS_MAX)
        self._view = view
        self._selection = selection
        self._everything = selection.everything
        self._merges = merges
        self.span = span
        self.mark = view.mark
        self.after = after
        self.done = False

    async def turn(self, max_events: int, max_bytes: int = SLICE_MAX_BYTES) -> list[Found]:
        """A slice, one of all readings of the view at a time, with sockets served in between: two
        hundred that read at once are slow, and nothing else is.
        """
        async with self._view.turns:
            found = self.slice(min(max_events, TURN_MAX_EVENTS), max_bytes)
            for _ in range(PASSES_PER_TURN):
                await asyncio.sleep(0)
        return found

    def slice(self, max_events: int, max_bytes: int = SLICE_MAX_BYTES) -> list[Found]:
        """The next events, at most so many and not much beyond so many bytes; fewer, even none,
        does not mean that it is done.
        """
        lower, upper = self._bounds()
        if self.done or lower > upper:
            self.done = True
            return []
        if self._merges is None:
            self._merges = merging_is_cheaper(
                self._view, self._selection, self.span.timebase, lower, upper
            )
        if self._merges:
            return self._of_few(self._selection.numbers(), lower, upper, max_events, max_bytes)
        rows = self._rows(lower, upper, max_events, max_bytes)
        if self.span.timebase == "source":
            return self._at_places(rows, max_bytes)
        if self._selection.accepts_all:
            return rows
        return [row for row in rows if self._selection.accepts(row[1])]

    def _bounds(self) -> tuple[bytes, bytes]:
        """The first and last keys that are still to be read."""
        start, stop = self.span.start_ns, self.span.stop_ns
        if self.span.timebase == "canonical":
            stop = min(stop, self.mark)
        lower, upper = time_key(start), time_key(max(stop, NS_MIN)) + LAST_TAIL
        if self.after is None:
            return lower, upper
        if self.span.reverse:
            return lower, min(upper, self.after)
        return max(lower, self.after), upper

    # --- scanning the timeline --------------------------------------------------------------------

    def _rows(self, lower: bytes, upper: bytes, max_events: int, max_bytes: int) -> list[Row]:
        """Rows of wanted series, at most so many, which are behind us then."""
        family = self._view.archive.families[self.span.timebase]
        chosen: list[Row] = []
        size = count = 0
        want = max_events + (self.after is not None)
        for rows, size_bytes in blocks(family, lower, upper, reverse=self.span.reverse, want=want):
            if count == 0 and rows[0][0] == self.after:
                # However large it is, it is behind us.
                size_bytes -= len(rows.pop(0)[1])
            count += len(rows)
            size += size_bytes
            if size > max_bytes:
                rows = _up_to(rows, max_bytes - (size - size_bytes))
            is_whole = self._choose(rows, chosen, max_events)
            if not is_whole or count >= SLICE_MAX_ROWS or size >= max_bytes:
                return chosen
        self.done = True
        return chosen

    def _choose(self, rows: list[Row], chosen: list[Row], max_events: int) -> bool:
        """Add the rows of wanted series; whether there was room for all of them."""
        part = rows
        if not self._everything:
            wanted, side = self._selection.tails, self.span.timebase == "source"
            part = [row for row in rows if row[side][TIME_BYTES:PLACE_BYTES] in wanted]
        room = max_events - len(chosen)
        if len(part) < room:
            chosen += part
            if rows:
                self.after = rows[-1][0]
            return True
        part = part[:room]
        chosen += part
        if part:
            self.after = part[-1][0]
        return not rows or (bool(part) and part[-1] is rows[-1])

    def _at_places(self, rows: list[Row], max_bytes: int) -> list[Found]:
        """The events that index rows name; what is not durable yet is not there yet."""
        if not rows:
            return []
        mark = time_key(self.mark) + LAST_TAIL
        keys, places = zip(*rows, strict=True)
        in_order = sorted(places)
        if in_order[-1] > mark:
            return self._at_places([row for row in rows if row[1] <= mark], max_bytes)
        stored = look_up(self._view.archive, places, in_order, max_bytes)
        if len(stored) < len(rows):
            self.after, self.done = keys[len(stored) - 1], False
        found = list(zip(keys, stored, strict=False))
        if self._selection.accepts_all:
            return found
        return [event for event in found if self._selection.accepts(event[1])]

    # --- merging the indexes of a few series ------------------------------------------------------

    def _of_few(
        self, series: list[int], lower: bytes, upper: bytes, max_events: int, max_bytes: int
    ) -> list[Found]:
        """The same from the indexes of a few series, merged into one order."""
        each = [self._of_series(number, lower, upper, max_events) for number in series]
        merged = heapq.merge(*each, key=itemgetter(0), reverse=self.span.reverse)
        most = min(max_events, SLICE_MAX_ROWS)
        rows = list(islice(merged, most))
        if len(rows) < most:
            self.done = True
        if rows:
            self.after = rows[-1][0]
        found = self._at_places(rows, max_bytes)
        if self.span.timebase == "source":
            return [(whole_order(key, stored), stored) for key, stored in found]
        return found

    def _of_series(
        self, number: int, lower: bytes, upper: bytes, max_events: int
    ) -> Iterator[tuple[bytes, bytes]]:
        """Keys of the timeline and places of a series' events."""
        canonical = self.span.timebase == "canonical"
        family = self._view.archive.families["series_canonical" if canonical else "series_source"]
        lane, after = LANE_PRIORITY[self._view.series.names[number].lane], self.after or NO_KEY
        prefix = series_bytes(number)
        first = series_key(prefix, lower[:TIME_BYTES])
        last = series_key(prefix, upper[:TIME_BYTES], LAST_EVENT_ID)
        for key, value in scan(family, first, last, reverse=self.span.reverse, want=max_events):
            order = series_key_order(key, lane)
            if lower <= order <= upper and not after.startswith(order):
                yield order, order if canonical else value + prefix


def _up_to(rows: list[Row], size_bytes: int) -> list[Row]:
    """The first rows, up to the one whose value passes so many bytes."""
    for number, (_, value) in enumerate(rows):
        size_bytes -= len(value)
        if size_bytes <= 0:
            return rows[: number + 1]
    return rows
