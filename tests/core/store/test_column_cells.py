"""Cells are the aggregates of what is in their buckets."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nova.core.store.column import Column
from nova.core.store.column_cells import CellGrid, unsigned_times
from nova.core.store.column_zone import Cells
from nova.sdk.timestamps import NS_MAX, NS_MIN

TIMES = st.integers(NS_MIN, NS_MAX) | st.integers(-40, 40) | st.sampled_from([NS_MIN, NS_MAX])
VALUES = st.sampled_from([math.nan, math.inf, -math.inf]) | st.integers(-99, 99).map(float)
EVENTS = st.lists(st.tuples(TIMES, st.none() | VALUES), min_size=1, max_size=60)


def grid_of(events: Sequence[tuple[int, float | None]], cells_max: int) -> tuple[CellGrid, Column]:
    """Events as a grid and their column."""
    times = unsigned_times(np.array([time for time, _ in events], np.int64))
    rows = [row for row, (_, value) in enumerate(events) if value is not None]
    values = np.array([value for _, value in events if value is not None], np.float64)
    column = Column(values, None if len(rows) == len(events) else np.array(rows, np.int64))
    return CellGrid(times, cells_max), column


def check_cells(grid: CellGrid, cells: Cells, events: Sequence[tuple[int, float | None]]) -> None:
    """The cells are what their buckets hold."""
    buckets = [(time - NS_MIN) >> grid.level for time, _ in events]
    assert grid.buckets.tolist() == sorted(set(buckets))
    for place, bucket in enumerate(grid.buckets.tolist()):
        inside = [value for of, (_, value) in zip(buckets, events, strict=True) if of == bucket]
        values = [value for value in inside if value is not None]
        known = [value for value in values if not math.isnan(value)]
        assert cells.counts[place] == len(values)
        assert cells.least[place] == min(known, default=math.nan if values else math.inf) or (
            values and not known
        )
        assert cells.greatest[place] == max(known, default=-math.inf) or (values and not known)
        total = sum(values)
        assert cells.totals[place] == total or math.isnan(total)


@given(EVENTS, st.integers(1, 9))
def test_cells_are_those_of_the_events(
    events: list[tuple[int, float | None]], cells_max: int
) -> None:
    """Late ones, at both ends of time, without values, NaN and infinite."""
    grid, column = grid_of(events, cells_max)
    assert len(grid.buckets) <= cells_max
    check_cells(grid, grid.cells_of(column), events)
    buckets = [(time - NS_MIN) >> max(0, grid.level - 1) for time, _ in events]
    assert grid.level == 0 or len(set(buckets)) > cells_max  # none is wider than it has to be
    assert grid.counts().sum() == len(events)


@given(EVENTS, EVENTS, st.integers(1, 5))
def test_cells_of_cells_are_those_of_the_events(
    first: list[tuple[int, float | None]], second: list[tuple[int, float | None]], cells_max: int
) -> None:
    grids = [grid_of(events, cells_max) for events in (first, second)]
    starts = [grid.buckets << np.uint64(grid.level) for grid, _ in grids]
    finest = max(grid.level for grid, _ in grids)
    joined = CellGrid(np.concatenate(starts), cells_max, finest)
    parts = [grid.cells_of(column) for grid, column in grids]
    narrow = Cells(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("counts", "totals", "least", "greatest")
        )
    )
    check_cells(joined, joined.join(narrow), first + second)
    counts = np.concatenate([grid.counts() for grid, _ in grids])
    assert joined.counts(counts).sum() == len(first) + len(second)
