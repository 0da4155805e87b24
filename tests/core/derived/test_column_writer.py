"""Blocks and summaries are those of the events, whenever and in whatever parts these are added."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nova.core.derived.column_writer import ColumnWriter
from nova.core.ordering import TIMEBASES, Timebase, unsigned_time
from nova.core.query.sample_blocks import SampleBlocks
from nova.core.query.sample_buckets import SampleBuckets
from nova.core.store.column import Column, ColumnBlock, join_blocks
from nova.core.store.column_tree import BlockSizes, value_blocks
from nova.core.store.key_value import KeyValue
from nova.core.store.rollup import level_for
from nova.core.store.sample_store import FieldColumn, SampledSeries, SampleStore
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.laws import law

SIZES = BlockSizes(unit_events=2, block_units=4, fan_out=2, cells_max=3)
UNITS_MAX = 60
TIMES = st.integers(NS_MIN, NS_MAX) | st.integers(0, 900) | st.sampled_from([NS_MIN, NS_MAX])
VALUES = st.integers(-99, 99).map(float) | st.sampled_from([math.nan, math.inf, -math.inf])
EVENTS = st.lists(st.tuples(TIMES, st.none() | VALUES), min_size=UNITS_MAX, max_size=2 * UNITS_MAX)


def block_of(events: Sequence[tuple[int, float | None]], first: int) -> ColumnBlock:
    """Events with canonical times from a number on; their column is column 1."""
    rows = [row for row, (_, value) in enumerate(events) if value is not None]
    values = np.array([value for _, value in events if value is not None], np.float64)
    columns = {1: Column(values, np.array(rows, np.int64))} if rows else {}
    canonical = np.arange(first, first + len(events), dtype=np.int64)
    return ColumnBlock(canonical, np.array([at_ns for at_ns, _ in events], np.int64), columns)


def written(
    folder: Path, events: Sequence[tuple[int, float | None]], parts: Sequence[int]
) -> list[KeyValue]:
    """The rows after events were added in parts of these units, read back and compared."""
    record = SampledSeries(columns=[FieldColumn("n", False)], sizes=SIZES)
    with closing(SampleStore.open_primary(folder)) as store:
        store.clear()
        writer = ColumnWriter(store)
        start = 0
        for units in (*parts, UNITS_MAX):
            stop = min(start + units * SIZES.unit_events, len(events) // 2 * 2)
            if stop > start:
                writer.append(0, record, block_of(events[start:stop], start))
            if units % 2:
                store.change(writer.take_changes())
            start = stop
        store.change(writer.take_changes())
        blocks = [writer.read(0, record, block) for block in value_blocks(record.units, SIZES)]
        whole, expected = join_blocks(blocks), block_of(events[:start], 0)
        assert whole.canonical.tolist() == expected.canonical.tolist()
        assert whole.source.tolist() == expected.source.tolist()
        for number, column in expected.columns.items():
            assert whole.columns[number].values.tobytes() == column.values.tobytes()
        check_samples(store, record, events[:start])
        return store.all_rows()


def check_samples(
    store: SampleStore, record: SampledSeries, events: Sequence[tuple[int, float | None]]
) -> None:
    """Counts, least and greatest values by bucket are those of the events at any width."""
    for timebase in TIMEBASES:
        rows = [
            (at_ns if timebase == "source" else n, value) for n, (at_ns, value) in enumerate(events)
        ]
        for span in ((NS_MIN, NS_MAX), (0, 900), (7, 7)):
            for buckets in (1, 5, 300):
                check_buckets(store, record, rows, span, (timebase, buckets))


def check_buckets(
    store: SampleStore,
    record: SampledSeries,
    rows: Sequence[tuple[int, float | None]],
    span: tuple[int, int],
    wanted: tuple[Timebase, int],
) -> None:
    chosen = level_for(unsigned_time(span[0]), unsigned_time(span[1]), wanted[1], 0)
    found = SampleBuckets(["n"], chosen)
    blocks = SampleBlocks(store.columns, 0, record, found, wanted[0])
    for part in blocks.parts(3):
        blocks.add(part, {0: 1})
    (field,) = found.response(wanted[0], is_behind=False).fields
    values: list[list[float]] = [[] for _ in range(chosen.total)]
    for at_ns, value in rows:
        place = (unsigned_time(at_ns) >> chosen.level) - chosen.first
        if 0 <= place < chosen.total and value is not None:
            values[place].append(value)
    assert field.count == list(map(len, values))
    for least, greatest, inside in zip(field.min, field.max, values, strict=True):
        known = [value for value in inside if not math.isnan(value)]
        if known:
            assert (least, greatest) == (min(known), max(known))


@law(25)
@given(EVENTS, st.lists(st.integers(1, 9), max_size=8), st.lists(st.integers(1, 30), max_size=3))
def test_blocks_are_a_function_of_the_events(
    tmp_path: Path,
    events: list[tuple[int, float | None]],
    parts: list[int],
    others: list[int],
) -> None:
    """Late events, both ends of time, NaN and infinite values; several blocks in one write."""
    assert written(tmp_path, events, parts) == written(tmp_path, events, others)
