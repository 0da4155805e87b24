"""Range cursor: reads a time range in order, slice by slice. Queries, playback, replay and exports
all read through it.

Each slice opens its own iterator and seeks past the last event of the previous slice. A cursor that
pauses for hours therefore pins no SST files, and slices are short enough to serve sockets between
them.
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
"""Takes a few milliseconds to read."""

PASSES_PER_TURN = 3
"""Event loop iterations that a live event needs from the writer's socket to a client's."""

BEHIND_ALL = b"\xff" * ORDER_KEY_BYTES
"""The `after` of a cursor that skips all of the past."""

NO_KEY = b""
"""The key of an event after which no cursor can resume."""

Found = tuple[bytes, bytes]
"""An event's order key in the cursor's timebase, and its stored envelope."""


class Span(NamedTuple):
    """A time range in one timebase, both ends included, and the direction of reading."""

    timebase: Timebase
    start_ns: int = NS_MIN
    stop_ns: int = NS_MAX
    reverse: bool = False


class Reading:
    """One pass over a span up to the watermark at its start. `done`: nothing is left. `after`: the
    last examined key. Access path: merge (True), scan (False), or the cheaper by estimate (None).
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
        """Read a slice, then serve sockets. The snapshot's lock admits one cursor at a time, so
        that hundreds of concurrent readers slow each other down but nothing else.
        """
        async with self._view.turns:
            found = self.slice(min(max_events, TURN_MAX_EVENTS), max_bytes)
            for _ in range(PASSES_PER_TURN):
                await asyncio.sleep(0)
        return found

    def slice(self, max_events: int, max_bytes: int = SLICE_MAX_BYTES) -> list[Found]:
        """The next events, at most `max_events`; ends after the event that reaches `max_bytes`.
        A shorter or an empty result does not imply `done`.
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
        """The first and the last key of the unread range."""
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
        """At most `max_events` rows of wanted series; advances `after` past them."""
        family = self._view.archive.families[self.span.timebase]
        chosen: list[Row] = []
        size = count = 0
        want = max_events + (self.after is not None)
        for rows, size_bytes in blocks(family, lower, upper, reverse=self.span.reverse, want=want):
            if count == 0 and rows[0][0] == self.after:
                # Returned by the slice before; its size does not count.
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
        """Append the rows of wanted series; returns whether all of them had room."""
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
        """The events that index rows point to, without those past the watermark."""
        if not rows:
            return []
        last_durable = time_key(self.mark) + LAST_TAIL
        keys, event_keys = zip(*rows, strict=True)
        in_order = sorted(event_keys)
        if in_order[-1] > last_durable:
            return self._at_places([row for row in rows if row[1] <= last_durable], max_bytes)
        stored = look_up(self._view.archive, event_keys, in_order, max_bytes)
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
        """A slice from the indexes of a few series, merged into timebase order."""
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
        """Order keys and event keys of a series' events."""
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
    """The first rows, up to and with the one that reaches `size_bytes`."""
    for number, (_, value) in enumerate(rows):
        size_bytes -= len(value)
        if size_bytes <= 0:
            return rows[: number + 1]
    return rows
