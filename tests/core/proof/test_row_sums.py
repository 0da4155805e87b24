"""Sums of rows differ where two sets of rows do, by the native part and without."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.ordering import EVENT_KEY_BYTES, ORDER_KEY_BYTES
from nova.core.proof.row_sums import SUMS_MODULUS, RowSums, Sums, buckets_sum, row_sums
from nova.core.store.index_rows import INDEX_FAMILIES, index_rows
from nova.core.store.key_value import KeyValue
from nova.core.store.row_table import table
from tests.sdk.events.mutated_records import needs_native

EACH = pytest.mark.parametrize("native", ["0", pytest.param("1", marks=needs_native)])
events = st.lists(
    st.tuples(
        st.binary(min_size=EVENT_KEY_BYTES, max_size=EVENT_KEY_BYTES),
        st.binary(min_size=ORDER_KEY_BYTES, max_size=ORDER_KEY_BYTES),
    ),
    min_size=1,
    unique_by=lambda event: event[1],
)


@EACH
@settings(deadline=None)
@given(found=events)
def test_sums_of_stored_rows_are_those_of_events(
    native: str, found: list[tuple[bytes, bytes]]
) -> None:
    """Whatever the order, and however the rows are cut into parts."""
    sums = _sums(native)
    event_keys, source_keys = (list(column) for column in zip(*found, strict=True))
    expected: Sums = {}
    for part in (found[::2], found[1::2]):
        tables = [b"".join(column) for column in zip(*part, strict=True)] or [b"", b""]
        sums.add_expected(
            expected, table(tables[0], EVENT_KEY_BYTES), table(tables[1], ORDER_KEY_BYTES)
        )
    for family in INDEX_FAMILIES:
        rows = sorted(index_rows(family, event_keys, source_keys))
        assert (sums.rows(rows) - expected[family]) % SUMS_MODULUS == 0


@EACH
def test_other_rows_have_other_sums(native: str) -> None:
    """Values exchanged, a byte moved from key to value, a row twice, one more or less."""
    sums = _sums(native)
    rows = [(b"key-1", b"a"), (b"key-2", b"b"), (b"key-3", b"")]
    others: list[list[KeyValue]] = [
        [(b"key-1", b"b"), (b"key-2", b"a"), (b"key-3", b"")],
        [(b"key-1", b"a"), (b"key-2", b"b"), (b"key-", b"3")],
        [*rows, rows[0]],
        [rows[0], rows[0], rows[2]],
        rows[:2],
        [],
    ]
    assert len({sums.rows(one) % SUMS_MODULUS for one in (rows, *others)}) == len(others) + 1


@EACH
def test_values_that_rows_exchange_are_seen_whatever_the_rows(native: str) -> None:
    """A hundred times: a hash that adds up its parts would be the same in a third of them."""
    sums = _sums(native)
    for number in range(100):
        one, two = b"%d" % number, b"%d'" % number
        rows, exchanged = [(one, b"a"), (two, b"b")], [(one, b"b"), (two, b"a")]
        assert (sums.rows(rows) - sums.rows(exchanged)) % SUMS_MODULUS


def test_counts_that_neighbours_exchange_are_seen() -> None:
    """What a bucket has less, its two neighbours have more, half each."""
    for first in range(100):
        counts = {first: 3, first + 1: 3, first + 2: 3}
        moved = {first: 4, first + 1: 1, first + 2: 4}
        sums = {buckets_sum("source", "sat", 0, buckets) for buckets in (counts, moved)}
        assert len(sums) == 2


def _sums(native: str) -> RowSums:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("NOVA_NATIVE", native)
        return row_sums()
