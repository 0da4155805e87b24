"""The columns of events are what one event after the other has."""

from __future__ import annotations

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nova.core.query.accepted_times import accepted_times
from nova.core.query.field_columns import FieldValues, field_columns
from nova.core.query.fields import DEPTH_MAX
from nova.core.store.sample_store import FieldColumn
from nova.sdk import timestamps
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
