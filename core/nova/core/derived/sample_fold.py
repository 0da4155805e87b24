"""Aggregation: events into rows of narrow buckets, and rows into rows of wider buckets.

Works on whole columns. Sums are added part by part, so a bucket's sum is the sum of its parts'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import add

from nova.core.store.sample_store import SampleRow

Rows = dict[int, SampleRow]
"""Rows of one level by bucket number."""


def rows_of(
    fields: tuple[int, ...], buckets: Sequence[int], values: Sequence[Sequence[float]]
) -> Rows:
    """The rows of events with the same fields; `buckets` has each event's bucket number."""
    by_bucket: defaultdict[int, list[Sequence[float]]] = defaultdict(list)
    for bucket, of_event in zip(buckets, values, strict=True):
        by_bucket[bucket].append(of_event)
    return {bucket: _row(fields, events) for bucket, events in by_bucket.items()}


def _row(fields: tuple[int, ...], events: Sequence[Sequence[float]]) -> SampleRow:
    counts = (len(events),) * len(fields)
    if len(events) == 1:  # Common: a late event is usually alone in its bucket.
        return SampleRow(fields, counts, events[0], events[0], events[0])
    columns = list(zip(*events, strict=True))
    return SampleRow(
        fields, counts, list(map(sum, columns)), list(map(min, columns)), list(map(max, columns))
    )


def merge_sets(rows: Sequence[Rows]) -> Rows:
    """Merge several sets of rows of one level."""
    if len(rows) == 1:
        return rows[0]
    together: defaultdict[int, list[SampleRow]] = defaultdict(list)
    for some in rows:
        for bucket, row in some.items():
            together[bucket].append(row)
    return {bucket: merge_rows(parts) for bucket, parts in together.items()}


def widen(rows: Mapping[int, SampleRow], steps: int) -> Rows:
    """Aggregate rows to the level `steps` above."""
    together: defaultdict[int, list[SampleRow]] = defaultdict(list)
    for bucket, row in rows.items():
        together[bucket >> steps].append(row)
    return {bucket: merge_rows(parts) for bucket, parts in together.items()}


def merge_rows(parts: Sequence[SampleRow]) -> SampleRow:
    """Merge rows of one bucket into one."""
    if len(parts) == 1:
        return parts[0]
    fields = parts[0].fields
    for part in parts:
        if part.fields != fields:
            return _merge_by_field(parts)
    if len(parts) == 2:
        return _merge_two(*parts)
    _, counts, sums, least, greatest = zip(*map(_columns, parts), strict=True)
    return SampleRow(
        fields,
        list(map(sum, zip(*counts, strict=True))),
        list(map(sum, zip(*sums, strict=True))),
        list(map(min, zip(*least, strict=True))),
        list(map(max, zip(*greatest, strict=True))),
    )


def _merge_two(left: SampleRow, right: SampleRow) -> SampleRow:
    return SampleRow(
        left.fields,
        list(map(add, left.counts, right.counts)),
        list(map(add, left.sums, right.sums)),
        list(map(min, left.least, right.least)),
        list(map(max, left.greatest, right.greatest)),
    )


def _columns(row: SampleRow) -> tuple[Sequence[float], ...]:
    return row.fields, row.counts, row.sums, row.least, row.greatest


def _merge_by_field(parts: Sequence[SampleRow]) -> SampleRow:
    """Merge rows that differ in their fields."""
    of_field: defaultdict[int, list[tuple[float, ...]]] = defaultdict(list)
    for part in parts:
        for field, *cell in zip(*_columns(part), strict=True):
            of_field[int(field)].append(tuple(cell))
    cells = [tuple(zip(*found, strict=True)) for found in of_field.values()]
    return SampleRow(
        tuple(of_field),
        [int(sum(counts)) for counts, _, _, _ in cells],
        [sum(sums) for _, sums, _, _ in cells],
        [min(least) for _, _, least, _ in cells],
        [max(greatest) for _, _, _, greatest in cells],
    )
