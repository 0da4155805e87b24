"""One row of samples while it is being made: the fields of a series in a bucket of time.

Most events of a series tell the same fields, so the values of a row stand in columns, and an event
is added to all of them at once. Sums are made in the order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import add

from core.store.samples import Cell

Extremes = tuple[Sequence[int], Sequence[int]]
"""Places of values that may be less, and that may be greater, than all before them: those that were
so in the row within, whose events are among this row's.
"""


class Row:
    """Count, sum, least and greatest value of each field."""

    __slots__ = ("_counts", "_events", "_fields", "_greatest", "_least", "_sums")

    def __init__(self, cells: Iterable[Cell] = ()) -> None:
        columns = list(zip(*cells, strict=True)) or [(), (), (), (), ()]
        fields, counts, sums, least, greatest = columns
        self._fields: tuple[int, ...] = tuple(fields)
        self._counts: list[int] = list(counts)
        self._sums: list[float] = list(sums)
        self._least: list[float] = list(least)
        self._greatest: list[float] = list(greatest)
        self._events = 0
        """Events that told all fields, beyond what is in the counts."""

    def add(self, fields: tuple[int, ...], values: Sequence[float], extremes: Extremes) -> Extremes:
        """Add an event's values; returns which of the extremes they are here."""
        if fields != self._fields:
            self._add_some(fields, values)
            return extremes
        self._events += 1
        self._sums = list(map(add, self._sums, values))
        less, more = extremes
        if less:
            least = self._least
            less = [place for place in less if values[place] < least[place]]
            for place in less:
                least[place] = values[place]
        if more:
            greatest = self._greatest
            more = [place for place in more if values[place] > greatest[place]]
            for place in more:
                greatest[place] = values[place]
        return less, more

    def _add_some(self, fields: tuple[int, ...], values: Sequence[float]) -> None:
        """Add an event that tells other fields than those before."""
        self._counts = [count + self._events for count in self._counts]
        self._events = 0
        places = {field: place for place, field in enumerate(self._fields)}
        for field, value in zip(fields, values, strict=True):
            place = places.get(field)
            if place is None:
                self._fields += (field,)
                self._counts.append(1)
                for column in (self._sums, self._least, self._greatest):
                    column.append(value)
            else:
                self._counts[place] += 1
                self._sums[place] += value
                self._least[place] = min(self._least[place], value)
                self._greatest[place] = max(self._greatest[place], value)

    def cells(self) -> Iterator[Cell]:
        """The row as it is stored."""
        counts = [count + self._events for count in self._counts]
        columns = (self._fields, counts, self._sums, self._least, self._greatest)
        return zip(*columns, strict=True)
