"""What `find` looks for in the values of a field: runs of values that meet a comparison, changes,
and gaps. A finder is fed the values in the order of a scan, forwards or backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from nova.core.query.field_scan import ColdRule, FieldValuesPart, Position, ScanBlock
from nova.core.store.column import Mask
from nova.core.store.column_cells import unsigned_times
from nova.core.store.column_codec import Numbers
from nova.core.store.column_zone import ColumnZone

FirstOf = Callable[[ScanBlock], Position]
Compare = Callable[[Numbers], Mask]


class Found(NamedTuple):
    """A run, a change or a gap: from the earlier to the later of its positions."""

    start: Position
    stop: Position
    samples: int = 0
    least: float | None = None
    greatest: float | None = None
    before: float | None = None
    after: float | None = None


class Finder(ColdRule, Protocol):
    """Finds one kind of condition."""

    def feed(self, part: FieldValuesPart) -> Iterator[Found]:
        """Find in the next values."""

    def skip(self, block: ScanBlock) -> Iterator[Found]:
        """Pass over a cold block."""

    def end(self) -> Iterator[Found]:
        """The values have ended."""


class RunFinder:
    """Finds runs of values that meet a comparison: `min_samples` at least, over `min_ns`."""

    def __init__(
        self,
        meets: Compare,
        is_cold: Callable[[ColumnZone], bool],
        min_samples: int,
        min_ns: int,
    ) -> None:
        self._meets = meets
        self._is_cold = is_cold
        self._min_samples = min_samples
        self._min_ns = min_ns
        self._open: Found | None = None
        """The run that the last values belong to; `start` is where the scan met it."""

    keeps_beside = False

    def is_cold(self, zone: ColumnZone) -> bool:
        return self._is_cold(zone)

    def is_alike(self, left: ColumnZone, right: ColumnZone) -> bool:
        return True

    def feed(self, part: FieldValuesPart) -> Iterator[Found]:
        mask = self._meets(part.values)
        edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
        bounds = np.concatenate(([0], edges, [len(mask)]))
        first_run = 0 if mask[0] else 1
        starts, stops = bounds[first_run:-1:2], bounds[first_run + 1 :: 2]
        if not mask[0]:
            yield from self.end()
        elif self._open is not None:
            self._open = _joined(self._open, _run(part, 0, int(stops[0])))
            if stops[0] == len(mask):
                return
            yield from self.end()
            starts, stops = starts[1:], stops[1:]
        is_open = len(stops) > 0 and stops[-1] == len(mask)
        if is_open:
            self._open = _run(part, int(starts[-1]), len(mask))
            starts, stops = starts[:-1], stops[:-1]
        lasting = stops - starts >= self._min_samples
        times = unsigned_times(part.times)
        first, last = times[starts], times[stops - 1]
        lasting &= np.maximum(first, last) - np.minimum(first, last) >= np.uint64(self._min_ns)
        for place in np.flatnonzero(lasting):
            yield _ordered(_run(part, int(starts[place]), int(stops[place])))

    def skip(self, block: ScanBlock) -> Iterator[Found]:
        yield from self.end()

    def end(self) -> Iterator[Found]:
        found, self._open = self._open, None
        if found is not None and found.samples >= self._min_samples:
            found = _ordered(found)
            if found.stop[0] - found.start[0] >= self._min_ns:
                yield found


def _run(part: FieldValuesPart, start: int, stop: int) -> Found:
    values = part.values[start:stop]
    least, greatest = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
    return Found(part.position(start), part.position(stop - 1), stop - start, least, greatest)


def _joined(run: Found, more: Found) -> Found:
    assert run.least is not None and more.least is not None
    assert run.greatest is not None and more.greatest is not None
    return Found(
        run.start,
        more.stop,
        run.samples + more.samples,
        min(run.least, more.least),
        max(run.greatest, more.greatest),
    )


def _ordered(found: Found) -> Found:
    start, stop = sorted((found.start, found.stop))
    return found._replace(start=start, stop=stop)


class GapFinder:
    """Finds neighbouring values that are more than `longer_ns` apart."""

    def __init__(self, longer_ns: int) -> None:
        self._longer_ns = longer_ns
        self._last: Position | None = None

    keeps_beside = True

    def is_cold(self, zone: ColumnZone) -> bool:
        return False

    def is_alike(self, left: ColumnZone, right: ColumnZone) -> bool:
        return False

    def feed(self, part: FieldValuesPart) -> Iterator[Found]:
        if self._last is not None:
            found = _ordered(Found(self._last, part.position(0)))
            if found.stop[0] - found.start[0] > self._longer_ns:
                yield found
        self._last = part.position(-1)
        times = unsigned_times(part.times)
        later, earlier = np.maximum(times[1:], times[:-1]), np.minimum(times[1:], times[:-1])
        for place in np.flatnonzero(later - earlier > np.uint64(self._longer_ns)):
            yield _ordered(Found(part.position(int(place)), part.position(int(place) + 1)))

    def skip(self, block: ScanBlock) -> Iterator[Found]:
        raise AssertionError("no block is cold")

    def end(self) -> Iterator[Found]:
        return iter(())


class ChangeFinder:
    """Finds values that differ from the one before. A change is where the new value is first."""

    keeps_beside = True

    def __init__(self, first_of: FirstOf, *, reverse: bool) -> None:
        self._first_of = first_of
        self._reverse = reverse
        self._value: float | None = None
        self._place: Position | ScanBlock | None = None
        """Where the last value of the scan is: its position, or a block of equal values."""

    def is_cold(self, zone: ColumnZone) -> bool:
        return zone.least == zone.greatest

    def is_alike(self, left: ColumnZone, right: ColumnZone) -> bool:
        return left.least == right.least

    def feed(self, part: FieldValuesPart) -> Iterator[Found]:
        values = part.values
        yield from self._meet(float(values[0]), part.position(0))
        for place in (np.flatnonzero(values[1:] != values[:-1]) + 1).tolist():
            self._place = part.position(place - 1)
            yield from self._meet(float(values[place]), part.position(place))
        self._place = part.position(-1)

    def skip(self, block: ScanBlock) -> Iterator[Found]:
        yield from self._meet(block.zone.least, block)

    def _meet(self, value: float, place: Position | ScanBlock) -> Iterator[Found]:
        """The next value; it stays the last one."""
        last, last_place = self._value, self._place
        self._value, self._place = value, place
        if last is None or last == value:
            return
        new = last_place if self._reverse else place
        assert new is not None
        at = self._first_of(new) if isinstance(new, ScanBlock) else new
        before, after = (value, last) if self._reverse else (last, value)
        yield Found(at, at, 1, before=before, after=after)

    def end(self) -> Iterator[Found]:
        return iter(())
