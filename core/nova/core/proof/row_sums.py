"""Sums by which two sets of rows are compared without sorting or holding either.

A row counts with Python's hash of its key and value, which is keyed by a secret of the process: who
prepares rows cannot know it. Two sets with one sum are the same but for one chance in 2^60. All
processes of one check share the secret (PYTHONHASHSEED), and only sums of one check are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nova.core.ordering import Timebase
from nova.core.store.index_rows import index_rows_of_table
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import TIMEBASE_BYTES
from nova.core.store.rollup import COARSEST_LEVEL, LEVELS, coarsen
from nova.core.store.row_table import RowTable
from nova.core.writer.rollup_counts import RollupCounts

Sums = dict[str, int]
"""By index family, and `rollup` for the counts of the rollups."""

ROLLUP = "rollup"


def rows_sum(rows: Iterable[KeyValue]) -> int:
    return sum(map(hash, rows))


def add_expected(to: Sums, event_keys: Sequence[bytes], source_table: RowTable) -> None:
    """Add the index rows of events; `source_table` has their order keys."""
    for family, rows in index_rows_of_table(event_keys, source_table).items():
        to[family] = to.get(family, 0) + rows_sum(rows)


def counts_sum(counts: RollupCounts) -> int:
    """The sum of rollups with these counts of the finest level: all levels are in it."""
    total = 0
    for (timebase, scope_id), buckets in counts.items():
        for level in LEVELS:
            total += buckets_sum(timebase, scope_id, level, buckets)
            if level < COARSEST_LEVEL:
                buckets = coarsen(dict(buckets))
    return total


def buckets_sum(timebase: Timebase, scope_id: str, level: int, buckets: Mapping[int, int]) -> int:
    """Counts are linear: sums of parts add up to the sum of the whole."""
    name = (TIMEBASE_BYTES[timebase], scope_id.encode(), level)
    return sum(hash((*name, bucket)) * count for bucket, count in buckets.items())
