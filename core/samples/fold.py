"""Aggregation: events into rows of narrow buckets, and rows into rows of wider buckets.

Works on whole columns. Sums are added part by part, so a bucket's sum is the sum of its parts'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import add

from core.store.samples import Row

Rows = dict[int, Row]
"""Rows of one level by bucket number."""


def rows_of(
    fields: tuple[int, ...], buckets: Sequence[int], values: Sequence[Sequence[float]]
) -> Rows:
    """The rows of events with the same fields; `buckets` has each event's bucket number."""
    by_bucket: defaultdict[int, list[Sequence[float]]] = defaultdict(list)
    for bucket, of_event in zip(buckets, values, strict=True):
        by_bucket[bucket].append(of_event)
    return {bucket: _row(fields, events) for bucket, events in by_bucket.items()}


def _row(fields: tuple[int, ...], events: Sequence[Sequence[float]]) -> Row:
    counts = (len(events),) * len(fields)
    if len(events) == 1:  # Common: a late event is usually alone in its bucket.
        return Row(fields, counts, events[0], events[0], events[0])
    columns = list(zip(*events, strict=True))
    return Row(
        fields, counts, list(map(sum, columns)), list(map(min, columns)), list(map(max, columns))
    )


def joined(rows: Sequence[Rows]) -> Rows:
    """Merge several sets of rows of one level."""
    if len(rows) == 1:
        return rows[0]
    together: defaultdict[int, list[Row]] = defaultdict(list)
    for some in rows:
        for bucket, row in some.items():
            together[bucket].append(row)
    return {bucket: merged(parts) for bucket, parts in together.items()}


def wider(rows: Mapping[int, Row], steps: int) -> Rows:
    """Aggregate rows to the level `steps` above."""
    together: defaultdict[int, list[Row]] = defaultdict(list)
    for bucket, row in rows.items():
        together[bucket >> steps].append(row)
    return {bucket: merged(parts) for bucket, parts in together.items()}


def merged(parts: Sequence[Row]) -> Row:
    """Merge rows of one bucket into one."""
    if len(parts) == 1:
        return parts[0]
    fields = parts[0].fields
    for part in parts:
        if part.fields != fields:
            return _merged_by_field(parts)
    if len(parts) == 2:
        return _merged_two(*parts)
    _, counts, sums, least, greatest = zip(*map(_columns, parts), strict=True)
    return Row(
        fields,
        list(map(sum, zip(*counts, strict=True))),
        list(map(sum, zip(*sums, strict=True))),
        list(map(min, zip(*least, strict=True))),
        list(map(max, zip(*greatest, strict=True))),
    )


def _merged_two(left: Row, right: Row) -> Row:
    return Row(
        left.fields,
        list(map(add, left.counts, right.counts)),
        list(map(add, left.sums, right.sums)),
        list(map(min, left.least, right.least)),
        list(map(max, left.greatest, right.greatest)),
    )


def _columns(row: Row) -> tuple[Sequence[float], ...]:
    return row.fields, row.counts, row.sums, row.least, row.greatest


def _merged_by_field(parts: Sequence[Row]) -> Row:
    """Merge rows that differ in their fields."""
    of_field: defaultdict[int, list[tuple[float, ...]]] = defaultdict(list)
    for part in parts:
        for field, *cell in zip(*_columns(part), strict=True):
            of_field[int(field)].append(tuple(cell))
    cells = [tuple(zip(*found, strict=True)) for found in of_field.values()]
    return Row(
        tuple(of_field),
        [int(sum(counts)) for counts, _, _, _ in cells],
        [sum(sums) for _, sums, _, _ in cells],
        [min(least) for _, _, least, _ in cells],
        [max(greatest) for _, _, _, greatest in cells],
    )
