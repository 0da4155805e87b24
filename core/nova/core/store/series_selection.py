"""Selections of series, which grow as series are added; those of repeated requests are kept."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol

from nova.core.ordering import event_key_tail
from nova.sdk.events.event import Series

KEPT_MAX = 64
KEPT_MAX_SERIES = 100_000
"""In all kept selections; each takes some 200 bytes."""


class SeriesNames(Protocol):
    """What is selected from: the names of all series by number, and the series of a unit."""

    names: list[Series]

    def of_unique_id(self, unique_id: str) -> Sequence[int]:
        """The numbers of all series with this uniqueId, ascending."""


class SeriesSelection:
    """The series of a table that match; each is evaluated once."""

    def __init__(
        self, table: SeriesNames, matches: Callable[[Series], bool], unique_id: str | None
    ) -> None:
        """`unique_id`: the only unit whose series can match, if there is one."""
        self._table = table
        self._matches = matches
        self._unique_id = unique_id
        self._evaluated = 0
        self._numbers: list[int] = []
        self._wanted: set[int] = set()
        self._key_suffixes: set[bytes] = set()

    def __contains__(self, number: int) -> bool:
        if number >= self._evaluated:
            self._evaluate_new()
        return number in self._wanted

    @property
    def numbers(self) -> list[int]:
        """The numbers of all selected series that exist now, ascending."""
        self._evaluate_new()
        return self._numbers

    @property
    def key_suffixes(self) -> set[bytes]:
        """The ends of the event keys of the selected series."""
        self._evaluate_new()
        return self._key_suffixes

    def __len__(self) -> int:
        """The number of selected series so far."""
        return len(self._numbers)

    def _evaluate_new(self) -> None:
        names = self._table.names
        if self._evaluated == len(names):
            return
        new: Sequence[int] = range(self._evaluated, len(names))
        if self._unique_id is not None:
            of_unit = self._table.of_unique_id(self._unique_id)
            new = of_unit[bisect_left(of_unit, self._evaluated) :]
        self._evaluated = len(names)
        wanted = [number for number in new if self._matches(names[number])]
        self._numbers += wanted
        self._wanted.update(wanted)
        self._key_suffixes.update(map(event_key_tail, wanted))


class KeptSelections:
    """Selections by what they select; those used last are kept."""

    def __init__(self, *, kept_max: int = KEPT_MAX, kept_max_series: int = KEPT_MAX_SERIES) -> None:
        self._kept_max = kept_max
        self._kept_max_series = kept_max_series
        self._kept: dict[Hashable, SeriesSelection] = {}

    def selection(self, wanted: Hashable, new: Callable[[], SeriesSelection]) -> SeriesSelection:
        """The kept selection of what is wanted, else a new one."""
        found = self._kept.pop(wanted, None)
        if found is None:
            found = new()
        while self._are_too_many():
            del self._kept[next(iter(self._kept))]
        self._kept[wanted] = found
        return found

    def _are_too_many(self) -> bool:
        kept = self._kept.values()
        return len(kept) >= self._kept_max or sum(map(len, kept)) > self._kept_max_series
