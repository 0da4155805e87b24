"""Observations: one instant, several series, times as given, stamps that only grow."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.sdk import timestamps
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.envelope import RawFrame
from nova.sdk.events.event import Event, check
from nova.sdk.events.observation import Entity, Observer, record_of

GPS = Entity("sat", "gnc", "gps")
BATTERY = Entity("sat", "eps", "battery")
NOON = timestamps.parse("2026-01-01T12:00:00Z")


def payload_of(event: Event) -> dict[str, object]:
    """The envelope as it is published."""
    return msgspec.json.decode(event.body, type=dict[str, object])


def test_events_of_one_observation_share_their_instant() -> None:
    """Raw, parsed, ui and metadata of one entity at one time are distinguished by their series."""
    observation = Observer("nova").observe(GPS, NOON)
    events = [
        observation.raw(b"\x01\x02", connection_id="uart0", sequence=7),
        observation.parsed("Position", {"latitude": 1.5}),
        observation.ui("telemetry.gps", "gps", "1.0.0", {"latitude": 1.5}),
        observation.metadata("ModeChanged", {"mode": "SAFE"}),
        observation.descriptor(["command:gps.reset"], "1"),
    ]
    assert {event.source_ns for event in events} == {NOON}
    assert len({event.event_id for event in events}) == len(events)
    assert [payload_of(event)["lane"] for event in events] == [
        "raw",
        "parsed",
        "ui",
        "metadata",
        "metadata",
    ]


def test_envelopes_carry_what_they_were_given() -> None:
    """A-123: the adapter wraps what the device says, and adds the ids and the eventId (A-121)."""
    event = (
        Observer("nova").observe(GPS, NOON).raw(b"\xff\x00", connection_id="u", sequence=2**64 - 1)
    )
    envelope = check(event.body).envelope
    assert isinstance(envelope, RawFrame)
    assert (envelope.frame, envelope.connection_id, envelope.sequence) == (
        b"\xff\x00",
        "u",
        2**64 - 1,
    )
    assert payload_of(event) == {
        "eventId": event.event_id.hex(),
        "scopeId": "nova",
        "lane": "raw",
        "systemId": "sat",
        "containerId": "gnc",
        "uniqueId": "gps",
        "sourceTruthTime": "2026-01-01T12:00:00.000000000Z",
        "bytes": "/wA=",
        "connectionId": "u",
        "sequence": 2**64 - 1,
    }


def test_record_goes_to_the_entity_address() -> None:
    """A-105: the address says scope, lane and entity."""
    record = record_of(Observer("nova").observe(GPS, NOON).parsed("Position", {}))
    assert record.address == "nova.nova.parsed.sat.gnc.gps.v1"


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=50))
def test_a_given_time_is_never_moved(offsets: list[int]) -> None:
    """Whatever was observed before: each event lies at its own time, also behind newer ones."""
    observer = Observer("nova")
    events = [observer.observe(GPS, NOON + offset).raw(b"same") for offset in offsets]
    assert [event.source_ns for event in events] == [NOON + offset for offset in offsets]
    assert len({event.event_id for event in events}) == len(set(offsets))


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=50))
def test_stamps_of_an_entity_only_grow(offsets: list[int]) -> None:
    """AMB-06: whatever this host's clock says, no two equal frames become one event."""
    observer = Observer("nova")
    events = [observer.stamp(GPS, NOON + offset).raw(b"same") for offset in offsets]
    times = [event.source_ns for event in events]
    assert all(later > earlier for earlier, later in pairwise(times))
    assert all(time >= NOON + offset for time, offset in zip(times, offsets, strict=True))
    assert len({event.event_id for event in events}) == len(offsets)


def test_stamps_of_entities_do_not_push_each_other_nor_given_times() -> None:
    """Each entity has its own clock, and a record's time is its own."""
    observer = Observer("nova")
    observer.stamp(GPS, NOON + 1000)
    assert observer.stamp(BATTERY, NOON).at_ns == NOON
    assert observer.observe(GPS, NOON).at_ns == NOON
    assert observer.stamp(GPS, NOON).at_ns == NOON + 1001


def test_events_of_one_record_share_its_time() -> None:
    """Equal ones are one event, different ones are distinguished by what they say."""
    observation = Observer("nova").observe(GPS, NOON)
    first, other, same = (observation.raw(frame) for frame in (b"same", b"other", b"same"))
    assert {first.source_ns, other.source_ns, same.source_ns} == {NOON}
    assert first.event_id == same.event_id != other.event_id


def test_second_event_of_a_series_takes_the_next_stamp() -> None:
    """AMB-06: two equal frames in one read stay two events; later series follow along."""
    observer = Observer("nova")
    observation = observer.stamp(GPS, NOON)
    first, parsed, second = (
        observation.raw(b"same"),
        observation.parsed("A", {}),
        observation.raw(b"same"),
    )
    assert (first.source_ns, parsed.source_ns, second.source_ns) == (NOON, NOON, NOON + 1)
    assert observation.parsed("B", {}).source_ns == NOON + 1
    assert observer.stamp(GPS, NOON).at_ns == NOON + 2


def test_two_views_are_two_series() -> None:
    """UiUpdates of different views may share a stamp, those of one view may not."""
    observation = Observer("nova").stamp(GPS, NOON)
    times = [observation.ui(view, "gps", "1.0.0", {}).source_ns for view in ("v.a", "v.b", "v.a")]
    assert times == [NOON, NOON, NOON + 1]


def test_no_time_means_now() -> None:
    """A-122: the adapter sets the time once, at publish."""
    before = timestamps.now()
    assert before <= Observer("nova").observe(GPS).at_ns <= timestamps.now()


def test_time_beyond_int64_is_refused() -> None:
    """AMB-07: there is no nanosecond after the last."""
    observer = Observer("nova")
    observer.stamp(GPS, timestamps.NS_MAX)
    for wanted in (timestamps.NS_MAX, timestamps.NS_MAX + 1):
        with pytest.raises(TimestampError, match="2262"):
            observer.stamp(GPS, wanted)
    with pytest.raises(TimestampError, match="2262"):
        observer.observe(GPS, timestamps.NS_MAX + 1)


@pytest.mark.parametrize(
    ("payload", "member", "reason"),
    [
        ({"a": {"b": [1, float("nan")]}}, "payload.a.b[1]", "nan"),
        ({"a": float("-inf")}, "payload.a", "-inf"),
        ({"a": "\ud800"}, "payload.a", "surrogate"),
        ({"a": b"bytes"}, "payload.a", "bytes"),
        ({"a": 2**53}, "payload", "2"),
    ],
)
def test_values_without_a_json_form_are_named(
    payload: dict[str, object], member: str, reason: str
) -> None:
    """AMB-08: no NaN turned to null, no lost digit: an error that names the member."""
    with pytest.raises(EnvelopeError) as caught:
        Observer("nova").observe(GPS, NOON).parsed("A", payload)
    assert caught.value.code == "notCanonical"
    assert caught.value.member == member
    assert reason in caught.value.reason


def test_endless_payload_is_refused() -> None:
    """A payload that holds itself is an error and no crash."""
    endless: dict[str, object] = {}
    endless["again"] = endless
    with pytest.raises(EnvelopeError) as caught:
        Observer("nova").observe(GPS, NOON).parsed("A", endless)
    assert caught.value.member.startswith("payload.again")


@pytest.mark.parametrize("scope", ["", "a b", "x" * 65, "a.b", "ä"])
def test_scope_must_be_an_id(scope: str) -> None:
    """A-120: the scope comes from configuration, and is checked before anything is published."""
    with pytest.raises(EnvelopeError, match="scopeId"):
        Observer(scope)


def test_bad_entity_and_type_are_refused() -> None:
    """Ids and names are checked where they are made, not only where they arrive."""
    with pytest.raises(EnvelopeError) as caught:
        Observer("nova").observe(Entity("a b", "c", "d"), NOON).raw(b"")
    assert caught.value.member == "systemId"
    with pytest.raises(EnvelopeError) as caught:
        Observer("nova").observe(GPS, NOON).parsed("no blanks", {})
    assert caught.value.member == "messageType"
