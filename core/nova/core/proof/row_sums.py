"""Sums by which two sets of rows are compared without sorting or holding either.

A row counts with a hash of its key and value that is keyed by a secret of the process: who prepares
rows cannot know it. Two sets with one sum are the same but for one chance in 2^60. All processes of
one check share the secret (PYTHONHASHSEED) and the hash, and only sums of one check are compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from nova.core.ordering import Timebase
from nova.core.store.index_rows import INDEX_FAMILIES, index_rows_of_table
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import TIMEBASE_BYTES
from nova.core.store.rollup import COARSEST_LEVEL, LEVELS, coarsen
from nova.core.store.row_table import RowTable
from nova.core.writer.rollup_counts import RollupCounts
from nova.sdk.native import NativePart, native_part

Sums = dict[str, int]
"""By index family, and `rollup` for the counts of the rollups."""

ROLLUP = "rollup"
SUMS_MODULUS = 2**64
"""Sums of index rows are equal if they are so modulo this; those of rollups are exact."""


class RowSums(Protocol):
    """Sums of rows, in Python or by the native part; those of the two differ."""

    def rows(self, rows: list[KeyValue]) -> int:
        """The sum of rows as they are stored."""

    def add_expected(self, to: Sums, event_table: RowTable, source_table: RowTable) -> None:
        """Add the index rows that events must have. The tables have their event keys and order
        keys.
        """


class PythonRowSums:
    """By Python's own hash of bytes, which is SipHash. That of tuples is no match for it: it adds
    up the hashes of their parts, so values that two rows exchange often leave the sum as it is.
    """

    def rows(self, rows: Iterable[KeyValue]) -> int:
        return sum([hash(b"%d %b%b" % (len(key), key, value)) for key, value in rows])

    def add_expected(self, to: Sums, event_table: RowTable, source_table: RowTable) -> None:
        for family, rows in index_rows_of_table(event_table, source_table).items():
            to[family] = to.get(family, 0) + self.rows(rows)


class NativelySummedRows:
    """By the native part, whose sums are below 2^64."""

    def __init__(self, native: NativePart) -> None:
        self._native = native
        # Python's hash of any text is a part of its secret that nobody else can compute.
        self._secret = hash(b"first half") % SUMS_MODULUS, hash(b"second half") % SUMS_MODULUS

    def rows(self, rows: list[KeyValue]) -> int:
        return self._native.rows_sum(rows, self._secret)

    def add_expected(self, to: Sums, event_table: RowTable, source_table: RowTable) -> None:
        keys = event_table.tobytes(), source_table.tobytes()
        sums = self._native.index_sums(*keys, self._secret)
        for family, total in zip(INDEX_FAMILIES, sums, strict=True):
            to[family] = to.get(family, 0) + total


def row_sums() -> RowSums:
    """By the native part where it is installed."""
    native = native_part()
    return PythonRowSums() if native is None else NativelySummedRows(native)


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
    name = b"%b %d %b" % (TIMEBASE_BYTES[timebase], level, scope_id.encode())
    return sum(hash(b"%b %d" % (name, bucket)) * count for bucket, count in buckets.items())
