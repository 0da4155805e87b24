"""Values of a field in the order of a timebase, and those that wait for others of earlier times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nova.core.errors import RequestError
from nova.core.store.column import Mask
from nova.core.store.column_codec import Integers, Numbers
from nova.sdk.timestamps import NS_MAX, NS_MIN

MERGED_MAX_VALUES = 8_000_000
"""Values that wait for others of earlier times. Each takes 24 bytes."""

Position = tuple[int, int]
"""Time in ns and, for events at the same time, canonical time."""


class FieldValuesPart(NamedTuple):
    """Values in order, with their times in the timebase and their canonical times."""

    times: Integers
    arrivals: Integers
    values: Numbers

    def select(self, kept: Mask | slice | Integers) -> FieldValuesPart:
        return FieldValuesPart(self.times[kept], self.arrivals[kept], self.values[kept])

    def position(self, index: int) -> Position:
        return int(self.times[index]), int(self.arrivals[index])


def position_key(position: Position) -> str:
    """The `nextKey` of a reply that ends at a position."""
    time, arrival = position
    return f"{time}:{arrival}"


def parse_position(key: str | None) -> Position | None:
    """The position of an `afterKey`; raises RequestError."""
    if key is None:
        return None
    time, _, arrival = key.partition(":")
    try:
        position = int(time), int(arrival)
    except ValueError:
        position = NS_MAX + 1, 0
    if not all(NS_MIN <= number <= NS_MAX for number in position):
        raise RequestError("badKey", "afterKey is no nextKey of an earlier reply")
    return position


def in_order(part: FieldValuesPart, *, reverse: bool) -> FieldValuesPart:
    """Values of a block, which are in canonical order, in that of their times."""
    if not bool((part.times[1:] >= part.times[:-1]).all()):
        part = part.select(np.argsort(part.times, kind="stable"))
    return part.select(slice(None, None, -1)) if reverse else part


def _merged(parts: Sequence[FieldValuesPart], *, reverse: bool) -> FieldValuesPart:
    """Values of several blocks, each in order, in the order of all."""
    if len(parts) == 1:
        return parts[0]
    joined = FieldValuesPart(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    if reverse:
        joined = joined.select(slice(None, None, -1))
    joined = in_order(joined, reverse=False)
    is_tie = joined.times[1:] == joined.times[:-1]
    if bool((is_tie & (joined.arrivals[1:] < joined.arrivals[:-1])).any()):
        joined = joined.select(np.lexsort((joined.arrivals, joined.times)))
    return joined.select(slice(None, None, -1)) if reverse else joined


class Waiting:
    """Values that are added block by block, the blocks by their first times (backwards: by their
    last). They are sorted once they have doubled, so that each is sorted a few times at most.
    """

    def __init__(self, reverse: bool, values_max: int = MERGED_MAX_VALUES) -> None:
        self._reverse = reverse
        self._values_max = values_max
        self._parts: list[FieldValuesPart] = []
        self._count = self._kept = 0

    @property
    def is_full(self) -> bool:
        """Whether it is worth sorting them."""
        return self._count >= 2 * self._kept

    def add(self, part: FieldValuesPart) -> None:
        """Add values that are in order; raises RequestError if too many wait."""
        if len(part.times):
            self._parts.append(part)
            self._count += len(part.times)

    def before(self, bound: int | None) -> Iterator[FieldValuesPart]:
        """The values before a time (backwards: behind it), or all; the others stay."""
        if not self._parts:
            return
        joined = _merged(self._parts, reverse=self._reverse)
        ready = self._ready(joined, bound)
        rest = joined.select(slice(ready, None))
        self._parts, self._count = [], 0
        self.add(rest)
        self._kept = self._count
        if self._kept > self._values_max:
            raise RequestError(
                "badRange",
                f"startTime, stopTime: more than {self._values_max:,} values of this span arrived "
                "in another order than their source times. Request a shorter span",
            )
        if ready:
            yield joined.select(slice(0, ready))

    def _ready(self, part: FieldValuesPart, bound: int | None) -> int:
        if bound is None:
            return len(part.times)
        if self._reverse:
            return int(np.searchsorted(~part.times, ~bound, "left"))
        return int(np.searchsorted(part.times, bound, "left"))
