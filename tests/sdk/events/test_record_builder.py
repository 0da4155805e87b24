"""Records of known series: the same events, and the same refusals, as checked one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import Event, address_of, check
from nova.sdk.events.observation import Entity, Observation, Observer, record_of
from nova.sdk.events.record_builder import RecordBuilder
from nova.sdk.transport.base import Record
from tests.laws import law

PUMP = Entity("lab", "bench", "pump")
NOON = timestamps.parse("2026-11-01T12:00:00Z")

values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(2**53) - 1, 2**53 + 1),
        st.floats(),
        st.text(st.characters(), max_size=8),
        st.binary(max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
keys = st.one_of(st.text(st.characters(), max_size=4), st.sampled_from(["null", "a"]))
payloads = st.dictionaries(keys, values, max_size=6)


def outcome(build: Callable[[], Record]) -> object:
    """The event of a record as the Core stores it, or the fault that refuses it."""
    try:
        record = build()
    except EnvelopeError as error:
        return error.code, error.member, error.reason
    found: Event = check(record.value, address_of(record.address))
    return found.event_id, found.series, found.source_ns, found.body


def checked(make: Callable[..., Event], *content: object) -> Record:
    """The record of an event that is checked as a whole."""
    return record_of(make(*content))


@law(80)
@given(payloads, st.sampled_from(["Flow", "Level", "two words"]))
def test_parsed_records_are_as_checked(payload: dict[str, object], message_type: str) -> None:
    """Whatever the payload: of the first record of a series and of the next."""
    builder = RecordBuilder()
    for _ in range(2):
        made = Observer("lab").observe(PUMP, NOON)
        expected = Observer("lab").observe(PUMP, NOON)
        builder.parsed(made, "Flow", {})
        found = outcome(partial(builder.parsed, made, message_type, payload))
        assert found == outcome(partial(checked, expected.parsed, message_type, payload))


@law(100)
@given(
    st.binary(max_size=300),
    st.one_of(st.none(), st.sampled_from(["serial", 'a"b', "\ud800", ""])),
    st.one_of(st.none(), st.integers(-2, 2**64 + 1), st.booleans(), st.just(2**64 - 1)),
)
def test_raw_records_are_as_checked(frame: bytes, link: str | None, sequence: int | None) -> None:
    """Any bytes, with any connectionId and sequence."""
    builder = RecordBuilder()
    for _ in range(2):
        made = Observer("lab").observe(PUMP, NOON)
        expected = Observer("lab").observe(PUMP, NOON)
        builder.raw(made, b"", None, 1)
        found = outcome(partial(builder.raw, made, frame, link, sequence))
        assert found == outcome(partial(checked, expected.raw, frame, link, sequence))


def test_a_second_event_of_a_series_gets_a_new_stamp() -> None:
    """Also where both are built from a template, and among those that are not."""
    builder = RecordBuilder()

    def built(observation: Observation) -> list[Record]:
        flat: dict[str, object] = {"a": 1}
        return [
            builder.raw(observation, b"x"),
            builder.parsed(observation, "Flow", flat),
            builder.parsed(observation, "Flow", cast("dict[str, object]", {"a": [1]})),
            builder.parsed(observation, "Flow", flat),
        ]

    observer = Observer("lab")
    found = [built(observer.stamp(PUMP, NOON + at)) for at in (0, 10)]
    times = [[check(one.value).source_ns - NOON for one in records] for records in found]
    assert times == [[0, 0, 1, 2], [10, 10, 11, 12]]


def test_a_record_over_the_limit_is_refused() -> None:
    """From the first on, by the same rule."""
    builder, observer = RecordBuilder(), Observer("lab")
    builder.raw(observer.observe(PUMP, NOON), b"")
    assert outcome(lambda: builder.raw(observer.observe(PUMP, NOON), bytes(2**20))) == outcome(
        lambda: record_of(observer.observe(PUMP, NOON).raw(bytes(2**20)))
    )


def test_only_so_many_series_are_known() -> None:
    """More begin again; nothing changes for those who publish."""
    builder, observer = RecordBuilder(series_max=2), Observer("lab")
    for number in [0, 1, 2, 3, 0, 1, 2, 3, 3]:
        entity = Entity("lab", "bench", f"pump{number}")
        record = builder.raw(observer.observe(entity, NOON), b"x")
        assert check(record.value, address_of(record.address)).series.unique_id == f"pump{number}"
