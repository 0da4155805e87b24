"""Columns of the native part are the sequences that lists are, and its set of keys is a set."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.commit_feed import FRAMES, ColumnEvents, CommitFrame, NewSeries, encode_commit
from nova.sdk.events.event import Series
from nova.sdk.native import NativePart, native_part
from tests.sdk.events.mutated_records import needs_native

pytestmark = needs_native

items = st.lists(st.binary(max_size=5), max_size=9)
numbers = st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 3), max_size=9)
committed = st.tuples(st.binary(max_size=12), st.binary(max_size=9))
order_keys = st.lists(st.binary(min_size=41, max_size=41) | st.binary(max_size=50), max_size=9)


@pytest.fixture(scope="module")
def native() -> NativePart:
    found = native_part()
    assert found is not None
    return found


@given(items, st.integers(-12, 12), st.integers(-12, 12), st.data())
@settings(deadline=None)
def test_a_column_reads_as_a_list(
    native: NativePart, given_items: list[bytes], start: int, stop: int, data: st.DataObject
) -> None:
    """By index, by slice, one after the other, and whichever are chosen."""
    column = native.BytesColumn(given_items)
    assert (list(column), len(column)) == (given_items, len(given_items))
    assert list(deepcopy(column)) == given_items
    part, expected = column[start:stop], given_items[start:stop]
    assert isinstance(part, native.BytesColumn)
    assert list(part) == expected and list(part[1:]) == expected[1:]
    for place in range(-len(expected), len(expected)):
        assert part[place] == expected[place]
    places = (
        data.draw(st.lists(st.sampled_from(range(len(expected))), max_size=5)) if expected else []
    )
    assert list(part.chosen(places)) == [expected[place] for place in places]
    assert list(part.chosen(range(len(expected)))) == expected


@given(items, items, st.data())
@settings(deadline=None)
def test_more_items_are_inserted_at_their_places(
    native: NativePart, known: list[bytes], more: list[bytes], data: st.DataObject
) -> None:
    """As a list that is merged by hand."""
    size = len(known) + len(more)
    places = sorted(data.draw(st.permutations(range(size)))[: len(more)])
    rest, expected = iter(known), dict(zip(places, more, strict=True))
    merged = [expected[place] if place in expected else next(rest) for place in range(size)]
    column = native.BytesColumn(known).merged(places, more)
    assert list(column) == merged
    again = column.merged([size], [b"end"])
    assert list(again) == [*merged, b"end"]


@given(numbers)
@settings(deadline=None)
def test_different_numbers_are_found_in_their_order(
    native: NativePart, given_numbers: list[int]
) -> None:
    """Each number is the one at its place among them; large ones too."""
    column = native.NumberColumn(given_numbers)
    distinct, places = column.distinct()
    assert distinct == list(dict.fromkeys(given_numbers))
    assert [distinct[place] for place in places] == given_numbers
    assert list(column) == given_numbers and list(column[1:]) == given_numbers[1:]
    some = given_numbers[::2]
    chosen = list(range(len(given_numbers)))[::-3]
    in_some = [place for place, number in enumerate(given_numbers) if number in some]
    assert column.places_of(some, None) == in_some
    expected = [index for index, place in enumerate(chosen) if given_numbers[place] in some]
    assert column.places_of(some, chosen) == expected
    longer = column.merged([0], [7])
    assert list(longer.chosen(range(len(longer)))) == [7, *given_numbers]


def test_a_place_beyond_a_column_is_an_error(native: NativePart) -> None:
    """It reads nothing that is not there."""
    column, few = native.BytesColumn([b"a"]), native.NumberColumn([1])
    for place in (1, -2):
        with pytest.raises(IndexError):
            column[place]
        with pytest.raises(IndexError):
            few[place]
    for wrong in ([1], [5]):
        with pytest.raises(IndexError):
            column.chosen(wrong)
        with pytest.raises(IndexError):
            few.chosen(wrong)
    for places in ([2], [1, 0]):
        with pytest.raises((IndexError, ValueError)):
            column.merged(places, [b"x"] * len(places))
    with pytest.raises(ValueError, match="as many places"):
        column.merged([0, 1], [b"x"])


@given(order_keys, order_keys, order_keys)
@settings(deadline=None)
def test_a_set_of_keys_is_a_set(
    native: NativePart, first: list[bytes], second: list[bytes], others: list[bytes]
) -> None:
    """Of order keys and of any others, from columns and from other collections."""
    keys = native.KeySet()
    keys.update(native.BytesColumn(first))
    before = deepcopy(keys)
    keys.update(dict.fromkeys(second))
    assert len(keys) == len({*first, *second})
    for key in (*first, *second, *others):
        assert (key in keys) == (key in {*first, *second})
    assert (before == keys) == ({*first} == {*first, *second})


@given(
    st.lists(
        st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=9)), max_size=9), max_size=3
    ),
    st.sampled_from((0, 1, 255, 256, 65_535, 65_536)),
)
@settings(deadline=None)
def test_a_commit_has_one_frame(
    native: NativePart, parts: list[list[tuple[bytes, bytes]]], size: int
) -> None:
    """nova.md §6: from columns and from a list, to the byte, at every size of a binary."""
    parts.append([(b"key", b"x" * size)] * 3)
    columns = ColumnEvents()
    for part in parts:
        keys, stored = [key for key, _ in part], [envelope for _, envelope in part]
        columns.append(native.BytesColumn(keys), native.BytesColumn(stored))
    whole = [event for part in parts for event in part]
    assert columns == whole and len(columns) == len(whole)
    series = [NewSeries(3, Series("a", "raw", "b", "c", "d", "", ""))]
    expected = FRAMES.encode(CommitFrame(7, series, whole))
    assert encode_commit(CommitFrame(7, series, columns)) == expected


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_a_frame_says_how_many_events_it_has(native: NativePart, count: int) -> None:
    columns = ColumnEvents()
    columns.append(native.BytesColumn([b""] * count), [b""] * count)
    expected = FRAMES.encode(CommitFrame(1, [], [(b"", b"")] * count))
    assert encode_commit(CommitFrame(1, [], columns)) == expected


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=9), st.integers(-3, 20))
@settings(deadline=None)
def test_as_many_envelopes_fit(native: NativePart, stored: list[bytes], room: int) -> None:
    """At least one, and the one that fills the room."""
    sizes = [sum(map(len, stored[: end + 1])) for end in range(len(stored))]
    expected = next((end + 1 for end, size in enumerate(sizes) if size >= room), len(stored))
    for column in (stored, native.BytesColumn(stored)):
        assert native.fitting_end(column, 0, len(stored), room) == expected
