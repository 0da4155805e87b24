"""Accumulates count, sum, minimum and maximum of fields per bucket."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nova.core.ordering import Timebase
from nova.core.query.summary import first_time
from nova.core.store.column import Column, Mask
from nova.core.store.column_cells import UnsignedTimes, run_starts
from nova.core.store.column_zone import Cells, ColumnZone
from nova.core.store.rollup import Buckets
from nova.sdk.protocol.timeline import FieldSample, SampleResponse


class SampleBuckets:
    """The buckets of the requested fields."""

    def __init__(self, fields: Sequence[str], chosen: Buckets) -> None:
        self.fields = list(fields)
        self.chosen = chosen
        self._cells = [_empty(chosen.total) for _ in fields]

    def add_values(self, index: int, column: Column, times: UnsignedTimes) -> None:
        """Add a field's values, at the times of the events of their block; those outside of the
        buckets are ignored.
        """
        if column.rows is not None:
            times = times[column.rows]
        values = column.values
        ones = np.ones(len(values), np.int64)
        self._add(index, times >> np.uint64(self.chosen.level), Cells(ones, values, values, values))

    def add_cells(self, index: int, cells: Cells, level: int, buckets: UnsignedTimes) -> None:
        """Add a field's cells of narrower buckets, or of the same width."""
        self._add(index, buckets >> np.uint64(self.chosen.level - level), cells)

    def add_zone(self, index: int, zone: ColumnZone, bucket: int) -> None:
        """Add a block whose times are all in one bucket."""
        single = np.array([zone.total]), np.array([zone.least]), np.array([zone.greatest])
        self._add(index, np.array([bucket], np.uint64), Cells(np.array([zone.count]), *single))

    def _add(self, index: int, buckets: UnsignedTimes, cells: Cells) -> None:
        first, total = self.chosen.first, self.chosen.total
        inside = (buckets >= np.uint64(first)) & (buckets <= np.uint64(first + total - 1))
        if not inside.all():
            buckets, cells = buckets[inside], _select(cells, inside)
        if not len(buckets):
            return
        places = (buckets - np.uint64(first)).astype(np.int64)
        if not (places[1:] >= places[:-1]).all():
            order = np.argsort(places, kind="stable")
            places, cells = places[order], _select(cells, order)
        starts = run_starts(places)
        at, into = places[starts], self._cells[index]
        with np.errstate(over="ignore", invalid="ignore"):
            into.counts[at] += np.add.reduceat(cells.counts, starts)
            into.totals[at] += np.add.reduceat(cells.totals, starts)
            into.least[at] = np.fmin(into.least[at], np.fmin.reduceat(cells.least, starts))
            greatest = np.fmax.reduceat(cells.greatest, starts)
            into.greatest[at] = np.fmax(into.greatest[at], greatest)

    def response(self, timebase: Timebase, is_behind: bool) -> SampleResponse:
        """The response with all buckets of all fields."""
        return SampleResponse(
            start_time=first_time(self.chosen),
            bucket_ns=1 << self.chosen.level,
            timebase=timebase,
            fields=[_field_sample(*one) for one in zip(self.fields, self._cells, strict=True)],
            behind=is_behind,
        )


def _empty(size: int) -> Cells:
    return Cells(
        np.zeros(size, np.int64), np.zeros(size), np.full(size, np.inf), np.full(size, -np.inf)
    )


def _select(cells: Cells, places: Mask | NDArray[np.int64]) -> Cells:
    return Cells(
        cells.counts[places], cells.totals[places], cells.least[places], cells.greatest[places]
    )


def _field_sample(path: str, cells: Cells) -> FieldSample:
    size = len(cells.counts)
    found = FieldSample(
        field=path,
        count=cells.counts.tolist(),
        min=[None] * size,
        max=[None] * size,
        mean=[None] * size,
    )
    places = np.flatnonzero(cells.counts)
    means = cells.totals[places] / cells.counts[places]
    columns = cells.least[places], cells.greatest[places], means
    for place, least, greatest, mean in zip(
        places.tolist(), *(column.tolist() for column in columns), strict=True
    ):
        found.min[place], found.max[place], found.mean[place] = least, greatest, mean
    return found
