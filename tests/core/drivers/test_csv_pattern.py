"""Rows that are copied from stored JSON are those that the csv module writes."""

from __future__ import annotations

import json
import random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from nova.core.drivers.csv_pattern import pattern_of
from nova.core.drivers.csv_table import HEADER_COLUMNS, CsvTable
from nova.sdk.drivers.driver import DriverFile
from tests.laws import law

HEADER = {
    "eventId": "ab" * 32,
    "scopeId": "sat-1",
    "lane": "parsed",
    "systemId": "bus",
    "containerId": "eps",
    "uniqueId": "battery",
    "sourceTruthTime": "2026-01-01T00:00:00.000000000Z",
    "messageType": "Battery",
    "schemaVersion": "1.2",
}
TIME = "2026-01-01T00:00:01.000000000Z"

numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1000, 1000).map(lambda value: round(value, 3)),
    st.sampled_from([0, -0.0, 1e-4, 9.9e-5, 1e15, 1e16, 1e22, 5e-324, 123456.0, -1, 0.1 + 0.2]),
)
number_texts = numbers.map(json.dumps) | st.sampled_from(
    ["1.0", "-0", "0.10", "1e3", "0.00012", "0.000012", "12345678901234567.5", "1.50", "-0.0"]
)
plain_texts = st.text("abcXYZ019 _-.:=+@", max_size=6)
texts = (plain_texts | st.text(max_size=6)).map(json.dumps)
values = st.one_of(number_texts, texts, st.sampled_from(["true", "false", "null", "[1]", "{}"]))


def stored(members: dict[str, str], **header: str) -> bytes:
    """A stored event with these members of its payload, each as JSON."""
    payload = ",".join(f"{json.dumps(name)}:{text}" for name, text in members.items())
    head = json.dumps({**HEADER, **header}, separators=(",", ":"))[:-1]
    return f'{head},"payload":{{{payload}}},"canonicalTruthTime":"{TIME}"}}'.encode()


def written(events: list[bytes]) -> bytes:
    """What the csv module writes, each event by itself."""
    file = DriverFile(sizes=[0])
    lines: list[bytes] = []
    for event in events:
        lines += CsvTable().write([event], file)
        file.events += 1
    return b"".join(lines)


@given(
    names=st.lists(st.sampled_from(["a", "b.c", 'q"uote', "ä", "(x)"]), min_size=1, unique=True),
    rows=st.lists(st.lists(values, min_size=5, max_size=5), min_size=1, max_size=6),
)
@law(300)
def test_a_batch_has_the_bytes_of_its_events_written_one_by_one(
    names: list[str], rows: list[list[str]]
) -> None:
    events = [stored(dict(zip(names, row, strict=False))) for row in rows]
    (found,) = CsvTable().write(events, DriverFile(sizes=[0]))
    assert found == written(events)


def row_of(event: bytes) -> bytes:
    """The row that the csv module writes."""
    return written([event]).splitlines()[1]


def matched(first: str, then: str) -> bytes | None:
    """The copied row of an event by the pattern of one before it."""
    event = stored({"v": first})
    pattern = pattern_of(event, msgspec.json.decode(event), HEADER_COLUMNS)
    assert pattern is not None
    return pattern.row(stored({"v": then}))


@given(text=number_texts)
@law(2_000)
def test_a_number_is_copied_only_if_python_writes_the_same(text: str) -> None:
    copied = matched("1", text)
    assert copied is None or copied + b"," == row_of(stored({"v": text}))


def test_ordinary_values_are_copied() -> None:
    for first, then in (("1.5", "-20.25"), ("7", "0"), ('"on"', '"safe mode"'), ("true", "false")):
        copied = matched(first, then)
        assert copied is not None
        assert copied + b"," == row_of(stored({"v": then}))
    doubles = random.Random(3)
    for _ in range(1_000):
        text = repr(doubles.uniform(1, 1_000))
        assert matched("1.5", text) == row_of(stored({"v": text}))[:-1]


def test_what_differs_in_csv_is_not_copied() -> None:
    for text in ('"=1+1"', '"a,b"', '"say \\"x\\""', '"\\u0000"', '"ä"', "null", "[1]", "1e3"):
        assert matched('"a"', text) is None
        assert matched("1", text) is None


def test_members_in_another_order_or_number_are_not_copied() -> None:
    event = stored({"a": "1", "b": "2"})
    pattern = pattern_of(event, msgspec.json.decode(event), HEADER_COLUMNS)
    assert pattern is not None
    assert pattern.row(stored({"b": "2", "a": "1"})) is None
    assert pattern.row(stored({"a": "1"})) is None
    assert pattern.row(stored({"a": "1", "b": "2", "c": "3"})) is None
    assert pattern.row(stored({"a": "3", "b": "4"})) is not None
