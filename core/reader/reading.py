"""Reading a range in order, slice by slice: every query, replay and export reads through here.

A slice opens its own iterator and seeks behind the last event of the slice before, so a reading
that pauses for hours pins no files, and a slice is short enough that sockets are served in between.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from core.errors import ArchiveDamagedError
from core.ordering import (
    LAST_TAIL,
    ORDER_KEY_BYTES,
    TIME_BYTES,
    Timebase,
    time_key,
    time_of,
)
from core.reader.selection import Selection
from core.reader.view import View
from core.store.keys import (
    LAST_EVENT_ID,
    SERIES_BYTES,
    canonical_of_source,
    envelope_of,
    series_bytes,
    series_key,
    series_key_order,
    series_of,
)
from core.store.scan import Row, blocks, scan
from sdk.address import LANE_PRIORITY
from sdk.timestamps import NS_MAX, NS_MIN

SLICE_MAX_ROWS = 5_000
SLICE_MAX_BYTES = 1024 * 1024
LOOK_UP_EVENTS = 64
NEAR_MIN_EVENTS = 16
NEAR_WASTE_MAX = 3
"""Scanning goes on while at least one row in so many is wanted."""

BEHIND_ALL = b"\xff" * ORDER_KEY_BYTES
"""The `after` of a reading that reads nothing of the past."""

NO_KEY = b""
"""The key of an event that no reading can be resumed behind."""


class Found(NamedTuple):
    """An event of a reading: its order key in the reading's timebase and its stored envelope."""

    key: bytes
    stored: bytes


class Span(NamedTuple):
    """A range of time in one timebase, both ends included, and the direction it is read in."""

    timebase: Timebase
    start_ns: int = NS_MIN
    stop_ns: int = NS_MAX
    reverse: bool = False


class Reading:
    """One pass over a span; `done` once nothing is left, `after` is the last key that was
    examined.
    """

    def __init__(
        self, view: View, selection: Selection, span: Span, after: bytes | None = None
    ) -> None:
        view.refresh()
        self._view = view
        self._selection = selection
        self._everything = selection.everything
        self._reverse = span.reverse
        self.span = span
        self.mark = view.mark
        self.after = after
        self.done = False

    def slice(self, max_events: int) -> list[Found]:
        """The next events, at most so many; fewer, even none, does not mean that it is done."""
        lower, upper = self._bounds()
        if self.done or lower > upper:
            self.done = True
            return []
        series = self._selection.merged()
        if series is not None:
            return self._fetch(self._merged(series, lower, upper), max_events)
        if self.span.timebase == "source":
            return self._source(lower, upper, max_events)
        return self._canonical(lower, upper, max_events)

    def _bounds(self) -> tuple[bytes, bytes]:
        """The first and last order keys that are still to be read."""
        start, stop = self.span.start_ns, self.span.stop_ns
        if self.span.timebase == "canonical":
            stop = min(stop, self.mark)
        lower, upper = time_key(start), time_key(max(stop, NS_MIN)) + LAST_TAIL
        if self.after is None:
            return lower, upper
        return (
            (lower, min(upper, self.after))
            if self.span.reverse
            else (max(lower, self.after), upper)
        )

    def _canonical(self, lower: bytes, upper: bytes, max_events: int) -> list[Found]:
        """Scan the events themselves."""
        rows = self._rows("canonical", lower, upper, max_events)
        found = [Found(key, value[SERIES_BYTES:]) for key, value in rows]
        if self._everything:
            return found
        return [event for event in found if self._selection.accepts(event.stored)]

    def _source(self, lower: bytes, upper: bytes, max_events: int) -> list[Found]:
        """Scan the order of source time, and look up the events; what is not durable yet is not
        there yet.
        """
        rows, mark = self._rows("source", lower, upper, max_events), time_key(self.mark)
        places = [(key, canonical_of_source(value)) for key, value in rows]
        return self._look_up([row for row in places if row[1] <= mark])

    def _rows(self, family: str, lower: bytes, upper: bytes, max_events: int) -> list[Row]:
        """Rows of wanted series, at most so many, which are behind us then."""
        chosen: list[Row] = []
        size = count = 0
        rows_of = blocks(self._view.archive.families[family], lower, upper, reverse=self._reverse)
        for rows in rows_of:
            if count == 0 and rows[0][0] == self.after:
                del rows[0]
            count += len(rows)
            before = len(chosen)
            is_whole = self._choose(rows, chosen, max_events)
            size += sum(len(value) for _, value in chosen[before:])
            if not is_whole or count >= SLICE_MAX_ROWS or size >= SLICE_MAX_BYTES:
                return chosen
        self.done = True
        return chosen

    def _choose(self, rows: list[Row], chosen: list[Row], max_events: int) -> bool:
        """Add the rows of wanted series; whether there was room for all of them."""
        if self._everything:
            part = rows[: max_events - len(chosen)]
            chosen += part
            if part:
                self.after = part[-1][0]
            return len(part) == len(rows)
        has = self._selection.has
        for row in rows:
            if len(chosen) >= max_events:
                return False
            self.after = row[0]
            if has(series_of(row[1])):
                chosen.append(row)
        return True

    def _merged(
        self, series: list[int], lower: bytes, upper: bytes
    ) -> Iterator[tuple[bytes, bytes | None]]:
        """The same from the indexes of a few series, merged into one order."""
        rows = [self._of_series(number, lower, upper) for number in series]
        return heapq.merge(*rows, key=lambda row: row[0], reverse=self.span.reverse)

    def _of_series(
        self, number: int, lower: bytes, upper: bytes
    ) -> Iterator[tuple[bytes, bytes | None]]:
        canonical = self.span.timebase == "canonical"
        family = self._view.archive.families["series_canonical" if canonical else "series_source"]
        lane = LANE_PRIORITY[self._view.series.names[number].lane]
        prefix = series_bytes(number)
        first = series_key(prefix, lower[:TIME_BYTES])
        last = series_key(prefix, upper[:TIME_BYTES], LAST_EVENT_ID)
        for key, value in scan(family, first, last, reverse=self.span.reverse):
            order = series_key_order(key, lane)
            if lower <= order <= upper:
                yield order, order if canonical else value

    def _fetch(self, rows: Iterator[tuple[bytes, bytes | None]], max_events: int) -> list[Found]:
        """Look up the events of index rows; what is not durable yet is not there yet."""
        wanted: list[tuple[bytes, bytes]] = []
        exhausted = True
        for count, (key, canonical) in enumerate(rows):
            if key == self.after and count == 0:
                continue
            if len(wanted) >= max_events or count >= SLICE_MAX_ROWS:
                exhausted = False
                break
            self.after = key
            if canonical is not None and time_of(canonical) <= self.mark:
                wanted.append((key, canonical))
        self.done = exhausted
        return self._look_up(wanted)

    def _look_up(self, wanted: list[tuple[bytes, bytes]]) -> list[Found]:
        """The events at canonical places; stops early where they are large, and resumes there."""
        near = self._near(sorted([place for _, place in wanted]))
        if self._everything and len(near) == len(wanted):
            return [Found(key, near[place][SERIES_BYTES:]) for key, place in wanted]
        found: list[Found] = []
        size = 0
        previous = b""
        for start in range(0, len(wanted), LOOK_UP_EVENTS):
            part = wanted[start : start + LOOK_UP_EVENTS]
            far = [place for _, place in part if place not in near]
            values = dict(zip(far, self._view.archive.get_many("canonical", far), strict=True))
            for key, place in part:
                if size >= SLICE_MAX_BYTES:
                    self.after, self.done = previous, False
                    return found
                previous = key
                stored = stored_at(place, near.get(place) or values[place])
                size += len(stored)
                if self._selection.accepts(stored):
                    found.append(Found(key, stored))
        return found

    def _near(self, places: list[bytes]) -> dict[bytes, bytes]:
        """What of sorted places lies together: neighbours in one order mostly are in the other too,
        and scanning them is several times faster than looking each up.
        """
        values: dict[bytes, bytes] = {}
        if len(places) < NEAR_MIN_EVENTS:
            return values
        family = self._view.archive.families["canonical"]
        sought = set(places)
        rows_read = size = 0
        for rows in blocks(family, places[0], places[-1]):
            values.update(row for row in rows if row[0] in sought)
            rows_read += len(rows)
            size += sum(len(value) for _, value in rows)
            if rows_read > NEAR_WASTE_MAX * len(values) or size > SLICE_MAX_BYTES:
                break
        return values


def stored_at(place: bytes, value: bytes | None) -> bytes:
    """The stored envelope at a canonical place that an index names; it has to be there."""
    if value is None:
        raise ArchiveDamagedError(f"an index names event {place.hex()}, which is not there")
    return envelope_of(value)
