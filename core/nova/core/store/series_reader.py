"""Reads the indexes of series: the keys of a series' events, in the order of a timebase."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from nova.core.ordering import SERIES_BYTES, Timebase, time_key
from nova.core.store.families import Families
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import LAST_EVENT_ID, series_bytes, series_key, series_key_time
from nova.core.store.scan import Seeker, growing_counts, last_row, scan, scan_small_rows
from nova.sdk.timestamps import NS_MAX, NS_MIN

FAMILY_OF: dict[Timebase, str] = {"source": "series_source", "canonical": "series_canonical"}


UNRECEIVED_GROWTH = 8
"""Few rows are of events that are not announced as durable yet."""

LastTime = Callable[[bytes], int | None]


class SeriesReader:
    """An index row is a series key (`keys.py`) with an empty value in canonical time, and with the
    receive time as a time key in source time. Both ends of a time range are included.
    """

    def __init__(self, families: Families) -> None:
        self._families = families

    def scan(
        self,
        number: int,
        timebase: Timebase,
        from_ns: int,
        until_ns: int,
        *,
        reverse: bool = False,
        expected_rows: int | None = None,
    ) -> Iterator[KeyValue]:
        """The index rows of a series in a time range, in order or backwards."""
        lower, upper = _bounds(number, from_ns, until_ns)
        family = self._families[FAMILY_OF[timebase]]
        return scan(family, lower, upper, reverse=reverse, expected_rows=expected_rows)

    def row_counts(
        self, number: int, timebase: Timebase, from_ns: int, until_ns: int
    ) -> Iterator[int]:
        """How many events a series has in a time range, in parts of some thousand rows."""
        lower, upper = _bounds(number, from_ns, until_ns)
        family = self._families[FAMILY_OF[timebase]]
        for rows in scan_small_rows(family, lower, upper, growing_counts(None)):
            yield len(rows)

    def event_keys(
        self, number: int, from_ns: int = NS_MIN, until_ns: int = NS_MAX
    ) -> Iterator[bytes]:
        """The event keys of a series' events in a range of canonical time, in order of receipt."""
        tail = series_bytes(number)
        for key, _ in self.scan(number, "canonical", from_ns, until_ns):
            yield key[SERIES_BYTES:] + tail

    def last_received_ns(self, number: int) -> int | None:
        """The canonical time in ns of a series' last event; None without events."""
        newest = last_row(self._families["series_canonical"], *_bounds(number, NS_MIN, NS_MAX))
        return None if newest is None else series_key_time(newest[0])

    def seeker(self, timebase: Timebase) -> SeriesSeeker:
        """Single index rows of many series, as of now."""
        return SeriesSeeker(Seeker(self._families[FAMILY_OF[timebase]]))


class SeriesSeeker:
    """Finds single rows of many series in one snapshot of their index."""

    def __init__(self, rows: Seeker) -> None:
        self._rows = rows

    def first(self, number: int, until_ns: int) -> KeyValue | None:
        """The first index row of a series, None if it is after `until_ns`."""
        series = series_bytes(number)
        return self._rows.first(series, series + _after_events_of(until_ns))

    def first_time(self, number: int, from_ns: int, until_ns: int) -> int | None:
        """The time in ns of the first event of a series in a range."""
        row = self._rows.first(*_bounds(number, from_ns, until_ns))
        return None if row is None else series_key_time(row[0])

    def last_time(self, number: int, from_ns: int, until_ns: int) -> int | None:
        """The time in ns of the last event of a series in a range."""
        row = self._rows.last(*_bounds(number, from_ns, until_ns))
        return None if row is None else series_key_time(row[0])

    def received_time(
        self, number: int, from_ns: int, until_ns: int, received_by: bytes, *, reverse: bool
    ) -> int | None:
        """The source time in ns of the first event of a series in a range, or of the last one, that
        was received up to the time key `received_by`.
        """
        lower, upper = _bounds(number, from_ns, until_ns)
        count = 1
        while True:
            rows = self._rows.rows(lower, upper, count, reverse=reverse)
            for key, received in rows:
                if received <= received_by:
                    return series_key_time(key)
            if len(rows) < count:
                return None
            count *= UNRECEIVED_GROWTH

    def rows(self, lower: bytes, upper: bytes, count: int, *, reverse: bool) -> list[KeyValue]:
        """The first index rows between two series keys, at most `count`, in order or backwards."""
        return self._rows.rows(lower, upper, count, reverse=reverse)

    def last_times(self, until_ns: int, received_by: bytes | None = None) -> LastTime:
        """Returns a function that finds the time in ns of the last event of a series, given by its
        bytes, at or before `until_ns`. It is None without an event, and if that one was received
        after the time key `received_by`; only index rows in source time have one.
        """
        rows, tail = self._rows, _after_events_of(until_ns)

        def last_time(series: bytes) -> int | None:
            row = rows.last(series, series + tail)
            if row is None or (received_by is not None and row[1] > received_by):
                return None
            return series_key_time(row[0])

        return last_time

    def last(self, number: int, until_ns: int) -> KeyValue | None:
        """The last index row of a series at or before `until_ns`."""
        series = series_bytes(number)
        return self._rows.last(series, series + _after_events_of(until_ns))


@lru_cache(maxsize=16)  # A page of discovery seeks thousands of series at the same two times.
def _after_events_of(time_ns: int) -> bytes:
    """The end of a series key that sorts after all events of a time."""
    return series_key(b"", time_key(time_ns), LAST_EVENT_ID)


def _bounds(number: int, from_ns: int, until_ns: int) -> tuple[bytes, bytes]:
    series = series_bytes(number)
    return series_key(series, time_key(from_ns)), series + _after_events_of(until_ns)
