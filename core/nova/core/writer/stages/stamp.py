"""Stamps events with canonical time, and numbers their series."""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.commit_feed import NewSeries
from nova.core.store.keys import event_keys
from nova.core.store.series_table import SeriesTable
from nova.core.writer.additions import NOTHING, Additions
from nova.core.writer.canonical_clock import CanonicalClock
from nova.core.writer.columns import BatchColumns
from nova.core.writer.commit import Commit
from nova.core.writer.new_events import NewEvents, StampedEvents, chosen
from nova.sdk.events.event import Series, stamped
from nova.sdk.native import native_part


class Stamp:
    """The events of a batch were received together, so the clock is read once and each is stamped
    1 ns after the one before.
    """

    def __init__(self, clock: CanonicalClock) -> None:
        self._clock = clock

    def __call__(self, events: NewEvents, commit: Commit) -> tuple[StampedEvents, Additions]:
        columns, numbers = events.columns, events.numbers
        series, new_series = series_numbers(columns.names, commit.state.series)
        first_ns = self._clock.next_ns()
        rows = _rows(columns, numbers, series, first_ns)
        stamps = StampedEvents(columns, numbers, *rows, events.selections)
        return stamps, Additions(series=new_series) if new_series else NOTHING


def _rows(
    columns: BatchColumns, places: Sequence[int], numbers: Sequence[int], first_ns: int
) -> tuple[Sequence[bytes], Sequence[bytes], Sequence[bytes]]:
    """Event keys, order keys and stored envelopes of the events at these places; `numbers` are
    those of the batch's series.
    """
    if native := native_part():
        some = None if places == range(len(columns.keys)) else places
        of_batch = (columns.keys, columns.series, columns.bodies)
        return native.stamped_rows(of_batch, some, numbers, first_ns)
    series = map(numbers.__getitem__, chosen(columns.series, places))
    keys = chosen(columns.keys, places)
    return (
        event_keys(first_ns, list(series)),
        keys,
        stamped(chosen(columns.bodies, places), first_ns),
    )


def series_numbers(
    names: Sequence[Series], table: SeriesTable
) -> tuple[list[int], list[NewSeries]]:
    """The number of each series; those that the table lacks get the next ones."""
    numbers = table.numbers(names)
    new: dict[Series, int] = {}
    if None in numbers:
        for series, number in zip(names, numbers, strict=True):
            if number is None:
                new.setdefault(series, len(table.names) + len(new))
    known = [new[series] if n is None else n for series, n in zip(names, numbers, strict=True)]
    return known, [NewSeries(number, series) for series, number in new.items()]
