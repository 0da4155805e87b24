"""What `find` looks for in the values of a field: runs of values that meet a comparison, changes,
and gaps. A finder is fed the values in the order of a scan, forwards or backwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nova.core.query.field_scan import ColdRule
from nova.core.query.field_values import FieldValuesPart, Position
from nova.core.store.column import Mask
from nova.core.store.column_cells import unsigned_times
from nova.core.store.column_codec import Numbers
from nova.core.store.column_zone import ColumnZone

Places = NDArray[np.int64]
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

    def end(self) -> Iterator[Found]:
        """The values have ended, or those that follow are in a block that is not read."""

    def resume_at(self, part: FieldValuesPart) -> Position | None:
        """Where another scan may continue behind the values that were fed last; None if something
        begins in them that only this finder knows.
        """


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

    def is_cold(self, zone: ColumnZone) -> bool:
        return self._is_cold(zone)

    def constant(self, zone: ColumnZone) -> float | None:
        return None

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
        yield from _lasting(part, starts, stops, self._min_samples, self._min_ns)

    def end(self) -> Iterator[Found]:
        found, self._open = self._open, None
        if found is not None and _lasts(found, self._min_samples, self._min_ns):
            yield _ordered(found)

    def resume_at(self, part: FieldValuesPart) -> Position | None:
        return part.position(-1) if self._open is None else None


class SteadyFinder:
    """Finds runs of neighbouring values that are equal: `min_samples` at least, over `min_ns`."""

    def __init__(self, min_samples: int, min_ns: int) -> None:
        self._min_samples = min_samples
        self._min_ns = min_ns
        self._open: Found | None = None
        """The run that the last value belongs to; `start` is where the scan met it."""

        self._ended: Position | None = None
        """The last value of the run before."""

    def is_cold(self, zone: ColumnZone) -> bool:
        return False

    def constant(self, zone: ColumnZone) -> float | None:
        return None

    def feed(self, part: FieldValuesPart) -> Iterator[Found]:
        edges = np.flatnonzero(part.values[1:] != part.values[:-1]) + 1
        starts = np.concatenate(([0], edges))
        stops = np.concatenate((edges, [len(part.values)]))
        if self._open is not None and part.values[0] == self._open.least:
            self._open = _joined(self._open, _run(part, 0, int(stops[0])))
            starts, stops = starts[1:], stops[1:]
            if not len(starts):
                return
        yield from self.end()
        yield from _lasting(part, starts[:-1], stops[:-1], self._min_samples, self._min_ns)
        self._open = _run(part, int(starts[-1]), int(stops[-1]))
        if starts[-1]:
            self._ended = part.position(int(starts[-1]) - 1)

    def end(self) -> Iterator[Found]:
        found, self._open = self._open, None
        if found is not None:
            self._ended = found.stop
            if _lasts(found, self._min_samples, self._min_ns):
                yield _ordered(found)

    def resume_at(self, part: FieldValuesPart) -> Position | None:
        return self._ended


def _lasting(
    part: FieldValuesPart, starts: Places, stops: Places, min_samples: int, min_ns: int
) -> Iterator[Found]:
    """The runs between these places that are long enough."""
    lasting = stops - starts >= min_samples
    times = unsigned_times(part.times)
    first, last = times[starts], times[stops - 1]
    lasting &= np.maximum(first, last) - np.minimum(first, last) >= np.uint64(min_ns)
    for place in np.flatnonzero(lasting):
        yield _ordered(_run(part, int(starts[place]), int(stops[place])))


def _lasts(found: Found, min_samples: int, min_ns: int) -> bool:
    ordered = _ordered(found)
    return found.samples >= min_samples and ordered.stop[0] - ordered.start[0] >= min_ns


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

    def is_cold(self, zone: ColumnZone) -> bool:
        return False

    def constant(self, zone: ColumnZone) -> float | None:
        return None

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

    def end(self) -> Iterator[Found]:
        return iter(())

    def resume_at(self, part: FieldValuesPart) -> Position | None:
        return part.position(-1)


class ChangeFinder:
    """Finds values that differ from the one before. A change is where the new value is first."""

    def __init__(self, *, reverse: bool) -> None:
        self._reverse = reverse
        self._last: tuple[float, Position] | None = None

    def is_cold(self, zone: ColumnZone) -> bool:
        return zone.least == zone.greatest

    def constant(self, zone: ColumnZone) -> float | None:
        return zone.least

    def feed(self, part: FieldValuesPart) -> Iterator[Found]:
        values = part.values
        if self._last is not None and values[0] != self._last[0]:
            yield self._change(self._last, (float(values[0]), part.position(0)))
        for place in (np.flatnonzero(values[1:] != values[:-1]) + 1).tolist():
            last, this = float(values[place - 1]), float(values[place])
            yield self._change((last, part.position(place - 1)), (this, part.position(place)))
        self._last = float(values[-1]), part.position(-1)

    def _change(self, last: tuple[float, Position], this: tuple[float, Position]) -> Found:
        before, after = (this, last) if self._reverse else (last, this)
        return Found(after[1], after[1], 1, before=before[0], after=after[0])

    def end(self) -> Iterator[Found]:
        return iter(())

    def resume_at(self, part: FieldValuesPart) -> Position | None:
        # Backwards, a scan begins behind its position, and has to compare with the last value.
        if not self._reverse:
            return part.position(-1)
        return part.position(-2) if len(part.values) > 1 else None
