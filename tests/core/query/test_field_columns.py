"""The columns of events are what one event after the other has."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.query.accepted_times import accepted_times
from nova.core.query.field_columns import FieldValues, field_columns
from nova.core.store.sample_store import FieldColumn
from nova.sdk import timestamps
from nova.sdk.events.body_fields import DEPTH_MAX
from nova.sdk.native import VARIABLE, native_part
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.numbering import numeric_fields
from tests.core.telling import START_NS, telling
from tests.laws import law

SCALARS = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.sampled_from(["safe", "on", ""]),
    st.none(),
)
NAMES = st.sampled_from(["a", "b", "a.b", "gps"])
INNER = st.dictionaries(NAMES, SCALARS | st.just([1]), max_size=3)
MEMBERS = st.dictionaries(
    NAMES, SCALARS | INNER | st.dictionaries(NAMES, INNER, max_size=1), max_size=4
)
TIMES = st.integers(NS_MIN, NS_MAX) | st.sampled_from([NS_MIN, NS_MAX, 0, -1])
LEAP_DAYS = ["2000-02-29T23:59:59.999999999Z", "1900-03-01T00:00:00.000000000Z"]


def by_row(values: FieldValues, events: int) -> list[object]:
    """A field's value in each event, None where it has none."""
    found: list[object] = [None] * events
    rows = range(events) if values.column.rows is None else values.column.rows.tolist()
    for row, value in zip(rows, values.column.values.tolist(), strict=True):
        found[row] = value if values.texts is None else values.texts[int(value)]
    return found


@law(100)
@given(st.lists(st.tuples(TIMES, MEMBERS, st.booleans()), min_size=1, max_size=8))
def test_columns_are_those_of_single_events(
    events: list[tuple[int, dict[str, object], bool]],
) -> None:
    """Of any shapes: nested, mixed, with names that have dots of their own."""
    stored = [
        msgspec.json.encode(
            {"sourceTruthTime": timestamps.text(at_ns), "data" if is_view else "payload": members}
        )
        for at_ns, members, is_view in events
    ]
    times, columns = field_columns(stored)
    assert times.tolist() == [at_ns for at_ns, _, _ in events]
    single = [numeric_fields(envelope).values for envelope in stored]
    numbers = {
        field.path: by_row(values, len(events))
        for field, values in columns.items()
        if not field.is_text
    }
    assert numbers == {
        path: [one.get(path) for one in single] for path in {p for one in single for p in one}
    }
    alone = [field_columns([envelope])[1] for envelope in stored]
    for field, values in columns.items():
        for row, value in enumerate(by_row(values, len(events))):
            one = alone[row].get(field)
            assert value == (None if one is None else by_row(one, 1)[0])
        assert values.is_boolean == all(one[field].is_boolean for one in alone if field in one)
    assert {field for one in alone for field in one} == set(columns)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ANY_NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**64), 2**64),
    st.booleans(),
)
ANY_VALUES = st.recursive(
    ANY_NUMBERS | TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
"""What an envelope may hold: any text, every exponent of floats, members of any names."""


@contextmanager
def native_is(wanted: str) -> Iterator[None]:
    """The block runs with the native part, or without it ("0")."""
    with patch.dict(os.environ, {VARIABLE: wanted}):
        yield


def told(stored: list[bytes]) -> tuple[list[int], list[tuple[FieldColumn, list[str], bool]]]:
    """The columns of events, with the texts in place of their numbers."""
    times, columns = field_columns(stored)
    return times.tolist(), [
        (field, [repr(one) for one in by_row(values, len(stored))], values.is_boolean)
        for field, values in columns.items()
    ]


@law(300)
@given(st.lists(st.tuples(TIMES, st.dictionaries(TEXTS, ANY_VALUES)), min_size=1, max_size=6))
def test_the_native_part_finds_the_same(
    events: list[tuple[int, dict[str, object]]],
) -> None:
    """With it and without it; where it is not sure of an event, Python reads all."""
    stored = [
        msgspec.json.encode(
            {"eventId": "x", "sourceTruthTime": timestamps.text(at_ns), "payload": members}
        )
        for at_ns, members in events
    ]
    with native_is("0"):
        expected = told(stored)
    with native_is(""):
        assert told(stored) == expected


@pytest.mark.skipif(native_part() is None, reason="needs the native part")
def test_the_native_part_is_sure_of_what_is_usual() -> None:
    """Else it would be of no use; of doubtful events Python decides."""
    part = native_part()
    assert part is not None
    body = rb'{"eventId":"x","sourceTruthTime":"2026-01-01T00:00:00.5Z","payload":%b}'
    inner = rb'{"l":[1,{}],"b":true,"z":null}'
    usual = rb'{"n":-1.5e-7,"i":9007199254740992,"s":"\u00b0C \"x\"","o":%b}' % inner
    found = part.field_columns([body % usual, body % b"{}"], DEPTH_MAX)
    assert found is not None
    assert [field[0] for field in found[1]] == ["i", "n", "o.b", "s"]
    assert found[1][3][4] == ['\N{DEGREE SIGN}C "x"']
    for doubtful in (
        b'{"a":1,"a":2}',
        b'{"a.b":1,"a":{"b":2}}',
        b'{"n":-0}',
        b'{"n":1e999}',
        b"[]",
    ):
        assert part.field_columns([body % usual, body % doubtful], DEPTH_MAX) is None


def test_columns_are_in_the_order_of_their_first_event() -> None:
    payloads = [{"b": 1, "x": {"d": "on"}}, {"a": 1}, {"x": {"c": 2, "d": 3}}]
    stored = [
        msgspec.json.encode({"sourceTruthTime": timestamps.text(0), "payload": payload})
        for payload in payloads
    ]
    expected = [("b", False), ("x.d", True), ("a", False), ("x.c", False), ("x.d", False)]
    assert list(field_columns(stored)[1]) == [FieldColumn(*field) for field in expected]


@given(st.lists(TIMES.map(timestamps.text) | st.sampled_from(LEAP_DAYS), max_size=9))
def test_many_times_are_parsed_as_one(texts: list[str]) -> None:
    expected = [timestamps.parse(text) for text in texts]
    assert accepted_times(texts).tolist() == expected
    other = [*texts, "2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00.5Z"]
    assert accepted_times(other).tolist() == [timestamps.parse(text) for text in other]
    assert accepted_times(texts).dtype == np.int64


def test_what_lies_too_deep_is_no_field() -> None:
    """Names with dots of their own are paths like others; booleans count as 0 and 1."""
    deep: dict[str, object] = {"x": 1}
    for _ in range(DEPTH_MAX + 1):
        deep = {"d": deep}
    payload = {"on": True, "l": [4], "o": {"c": {"e.f": 0}}, "n": None, **deep}
    columns = field_columns([telling(START_NS, payload).value])[1]
    assert {field.path: by_row(values, 1) for field, values in columns.items()} == {
        "on": [1.0],
        "o.c.e.f": [0.0],
    }
