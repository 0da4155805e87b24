"""Range cursor: reads a time range in order, slice by slice. Queries, playback, replay and exports
all read through it.

Each slice opens its own iterator and seeks past the last event of the previous slice. A cursor that
pauses for hours therefore pins no SST files, and slices are short enough to serve sockets between
them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from operator import itemgetter
from typing import NamedTuple

from nova.core.ordering import (
    EVENT_KEY_BYTES,
    LAST_TAIL,
    ORDER_KEY_BYTES,
    TIME_BYTES,
    Timebase,
    time_key,
    time_of,
)
from nova.core.query.access_path import merge_costs_less, merge_is_cheaper
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.query.deletion_guard import DeletionGuard
from nova.core.query.event_filter import EventFilter
from nova.core.query.given_back_info import given_back_from
from nova.core.query.hidden_events import HiddenEvents
from nova.core.query.lookup import look_up
from nova.core.query.series_merge import SeriesMerge
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import (
    complete_order_key,
)
from nova.sdk.protocol.message import GivenBackInfo
from nova.sdk.timestamps import NS_MAX, NS_MIN

SLICE_MAX_ROWS = 5_000
SLICE_MAX_BYTES = 1024 * 1024
SLICE_MAX_EVENTS = 1_000
"""Takes a few milliseconds to read."""

SPARE_EVENTS_SHARE = 16
"""A slice takes a sixteenth more events than reach its bytes by the mean size of the last ones."""

LOOP_PASSES_PER_SLICE = 3
"""Event loop iterations that a live event needs from the writer's socket to a client's."""

AFTER_ALL = b"\xff" * ORDER_KEY_BYTES
"""The `after` of a cursor that skips all of the past."""

NO_KEY = b""
"""The key of an event after which no cursor can resume."""

Hit = tuple[bytes, bytes]
"""An event's order key in the cursor's timebase, and its stored envelope."""


class Span(NamedTuple):
    """A time range in one timebase, both ends included, and the direction of reading."""

    timebase: Timebase
    start_ns: int = NS_MIN
    stop_ns: int = NS_MAX
    reverse: bool = False


class RangeCursor:
    """One pass over a span up to the watermark at its start. `done`: nothing is left. `after`: the
    last examined key. Access path: merge (True), scan (False), or the cheaper by estimate (None).
    """

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        event_filter: EventFilter,
        span: Span,
        after: bytes | None = None,
        *,
        merge: bool | None = None,
        watermark: int | None = None,
    ) -> None:
        """`watermark`: an earlier one than now's, up to which another cursor of the span reads."""
        self._snapshot = snapshot
        self._tail: CommitTail | None = None
        """What the present slice is read from, instead of the archive."""

        self._event_filter = event_filter
        self._matches_all = event_filter.matches_all
        self._hidden: HiddenEvents | None = None
        if event_filter.hides_only_audit:
            bounds_ns = span.start_ns, span.stop_ns
            self._hidden = HiddenEvents(snapshot, span.timebase, bounds_ns, reverse=span.reverse)
        self._merge = merge
        self._may_switch = False
        self._scanned_rows = self._scanned_events = 0
        self._merged: SeriesMerge | None = None
        self._mean_bytes = 0
        """Of the events of the last slice that read some by look-ups."""

        self.span = span
        self.watermark = snapshot.watermark if watermark is None else watermark
        self.after = after
        self.done = False
        self._guard: DeletionGuard | None = None
        if not self._reads_tail():
            snapshot.refresh(span.stop_ns if span.timebase == "canonical" else NS_MAX)

    def guarded(self) -> RangeCursor:
        """The cursor itself; `next_slice` raises RequestError from now on once retention has
        deleted events of its span.
        """
        self._guard = DeletionGuard(
            self._snapshot.archive.given_back,
            self._event_filter,
            self.span.timebase,
            (self.span.start_ns, self.span.stop_ns),
        )
        return self

    def given_back(self) -> list[GivenBackInfo]:
        """The wanted scopes and lanes of which the span begins before what retention keeps."""
        return given_back_from(self._snapshot, self._event_filter, self.span.start_ns)

    async def next_slice(self, max_events: int, max_bytes: int = SLICE_MAX_BYTES) -> list[Hit]:
        """Read a slice, then serve sockets. The snapshot's lock admits one cursor at a time, so
        that hundreds of concurrent readers slow each other down but nothing else.
        """
        async with self._snapshot.slice_lock:
            if self._guard is not None:
                self._guard.check()
            found = self.read_slice(min(max_events, SLICE_MAX_EVENTS), max_bytes)
            for _ in range(LOOP_PASSES_PER_SLICE):
                await asyncio.sleep(0)
        return found

    def read_chunk(self, max_events: int, max_bytes: int) -> list[Hit]:
        """As many slices as it takes to `max_events` or `max_bytes`; for processes that serve no
        clients.
        """
        found: list[Hit] = []
        size = 0
        while not self.done and len(found) < max_events and size < max_bytes:
            part = self.read_slice(max_events - len(found), max_bytes - size)
            size += sum(map(len, map(itemgetter(1), part)))
            found += part
        return found

    def read_slice(self, max_events: int, max_bytes: int = SLICE_MAX_BYTES) -> list[Hit]:
        """The next events, at most `max_events`; ends after the event that reaches `max_bytes`.
        A shorter or an empty result does not imply `done`.
        """
        lower, upper = self._bounds()
        if self.done or lower > upper:
            self.done = True
            return []
        if self._reads_tail():
            return self._accepted(self._scan_rows(lower, upper, max_events, max_bytes))
        if self._merge is None:
            self._merge = merge_is_cheaper(
                *(self._snapshot, self._event_filter, self.span.timebase),
                *((lower, upper), max_events),
            )
            self._may_switch = not self._matches_all and self._hidden is None
        fitting = self._fitting(max_events, max_bytes)
        if self._merge or self._scan_was_dear():
            return self._merge_series(lower, upper, fitting, max_bytes)
        rows = self._scan_rows(lower, upper, fitting, max_bytes)
        self._scanned_events += len(rows)
        if self.span.timebase == "source":
            return self._read_events(rows, max_bytes)
        return self._accepted(rows)

    def _fitting(self, max_events: int, max_bytes: int) -> int:
        """At most `max_events`: as many as `max_bytes` should take. Rows of an index do not say how
        large their events are, and events that do not fit are read again by the next slice.
        """
        if not self._mean_bytes:
            return max_events
        fitting = max_bytes // self._mean_bytes
        return min(max_events, fitting + fitting // SPARE_EVENTS_SHARE + 1)

    def _accepted(self, hits: list[Hit]) -> list[Hit]:
        """Those that the filter accepts by their content."""
        if self._event_filter.accepts_all:
            return hits
        return [hit for hit in hits if self._event_filter.accepts(hit[1])]

    def _scan_was_dear(self) -> bool:
        """Whether the scan so far has cost more than a merge would have; merges from then on."""
        self._merge = self._may_switch and merge_costs_less(
            len(self._event_filter.numbers()), self._scanned_rows, self._scanned_events
        )
        return self._merge

    def _bounds(self) -> tuple[bytes, bytes]:
        """The first and the last key of the unread range."""
        start, stop = self.span.start_ns, self.span.stop_ns
        if self.span.timebase == "canonical":
            stop = min(stop, self.watermark)
        lower, upper = time_key(start), time_key(max(stop, NS_MIN)) + LAST_TAIL
        if self.after is None:
            return lower, upper
        if self.span.reverse:
            return lower, min(upper, self.after)
        return max(lower, self.after), upper

    def _reads_tail(self) -> bool:
        """Whether the unread range is in memory; if it is not, the archive has caught up with it,
        where there is a tail.
        """
        if self._snapshot.tail is None or self.span.timebase == "source" or self.span.reverse:
            return False
        if self._merged is not None:  # It has its own position, and an archive that caught up.
            self._tail = None
            return False
        stop_ns = min(self.span.stop_ns, self.watermark)
        start_ns = self.span.start_ns if self.after is None else time_of(self.after)
        self._tail = self._snapshot.held_in_memory(start_ns, stop_ns)
        return self._tail is not None

    # --- scanning the timeline --------------------------------------------------------------------

    def _scan_rows(
        self, lower: bytes, upper: bytes, max_events: int, max_bytes: int
    ) -> list[KeyValue]:
        """At most `max_events` rows of wanted series; advances `after` past them."""
        chosen: list[KeyValue] = []
        size = count = 0
        want = max_events + (self.after is not None)
        for rows, size_bytes in self._blocks(lower, upper, want):
            if count == 0 and rows[0][0] == self.after:
                # Returned by the slice before; its size does not count.
                size_bytes -= len(rows.pop(0)[1])
            starts_slice = count == 0
            count += len(rows)
            size += size_bytes
            self._scanned_rows += len(rows)
            if size > max_bytes:
                rows = _truncate(rows, max_bytes - (size - size_bytes))
            part = self._wanted(rows, starts_slice=starts_slice)
            is_whole = self._append_wanted(rows, part, chosen, max_events)
            if not is_whole or count >= SLICE_MAX_ROWS or size >= max_bytes:
                return chosen
        self.done = True
        return chosen

    def _blocks(
        self, lower: bytes, upper: bytes, expected_rows: int
    ) -> Iterator[tuple[list[KeyValue], int]]:
        if self._tail is not None:
            return self._tail.blocks(lower, upper)
        return self._snapshot.archive.events.scan_blocks(
            self.span.timebase,
            lower,
            upper,
            reverse=self.span.reverse,
            expected_rows=expected_rows,
        )

    def _wanted(self, rows: list[KeyValue], *, starts_slice: bool) -> list[KeyValue]:
        """The rows of wanted series."""
        if self._hidden is not None and self._tail is not None:
            return self._hidden.without_seeks(rows)
        if self._hidden is not None:
            return self._hidden.without(rows, starts_slice=starts_slice)
        if self._matches_all:
            return rows
        wanted, side = self._event_filter.key_suffixes, self.span.timebase == "source"
        return [row for row in rows if row[side][TIME_BYTES:EVENT_KEY_BYTES] in wanted]

    def _append_wanted(
        self,
        rows: list[KeyValue],
        part: list[KeyValue],
        chosen: list[KeyValue],
        max_events: int,
    ) -> bool:
        """Append the wanted ones of the rows; returns whether all of them had room."""
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

    def _read_events(self, rows: list[KeyValue], max_bytes: int) -> list[Hit]:
        """The events that index rows point to, without those past the watermark."""
        if not rows:
            return []
        last_durable = time_key(self.watermark) + LAST_TAIL
        event_keys = [event_key for _, event_key in rows]
        in_order = sorted(event_keys)
        if in_order[-1] > last_durable:
            return self._read_events([row for row in rows if row[1] <= last_durable], max_bytes)
        stored = look_up(self._snapshot.archive, event_keys, in_order, max_bytes)
        if len(stored) < len(rows):
            self.after, self.done = rows[len(stored) - 1][0], False
        self._mean_bytes = max(sum(map(len, stored)) // len(stored), 1)
        found = list(zip([key for key, _ in rows], stored, strict=False))
        if self._event_filter.accepts_all:
            return found
        return [event for event in found if self._event_filter.accepts(event[1])]

    # --- merging the indexes of series ------------------------------------------------------------

    def _merge_series(
        self, lower: bytes, upper: bytes, max_events: int, max_bytes: int
    ) -> list[Hit]:
        """A slice from the indexes of the wanted series, merged into timebase order."""
        merged = self._merged = self._merged or SeriesMerge(
            self._snapshot,
            self._event_filter.numbers().copy(),
            self.span.timebase,
            reverse=self.span.reverse,
        )
        count = min(max_events, SLICE_MAX_ROWS)
        rows = merged.read(lower, upper, self.after or NO_KEY, count)
        if rows:
            self.after = rows[-1][0]
        found = self._read_events(rows, max_bytes)
        if rows and self.after != rows[-1][0]:
            merged.put_back([row for row in rows if self._is_unread(row[0])])
        self.done = merged.done
        if self.span.timebase == "source":
            return [(complete_order_key(key, stored), stored) for key, stored in found]
        return found

    def _is_unread(self, key: bytes) -> bool:
        after = self.after or NO_KEY
        return key < after if self.span.reverse else key > after


def _truncate(rows: list[KeyValue], size_bytes: int) -> list[KeyValue]:
    """The first rows, up to and with the one that reaches `size_bytes`."""
    for number, (_, value) in enumerate(rows):
        size_bytes -= len(value)
        if size_bytes <= 0:
            return rows[: number + 1]
    return rows
