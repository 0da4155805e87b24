"""Wrapping: what devices say becomes events with one source time each (A-121…A-123, A-127)."""

from __future__ import annotations

from nova.hardware.device import Metadata, Output, Parsed, Raw, Reading, Target, Ui
from nova.hardware.event_builder import EventBuilder
from nova.sdk import timestamps
from nova.sdk.events.event import address_of, check
from nova.sdk.events.observation import Entity
from nova.sdk.transport.base import Record

NOON = timestamps.parse("2026-11-01T12:00:00Z")
PUMP = Entity("lab", "bench", "pump")


def wrapper() -> EventBuilder:
    """A wrapper whose clock stands still at noon."""
    return EventBuilder("lab", lambda: NOON)


def times(records: list[Record]) -> list[int]:
    """The source times of records, which the one validator has checked."""
    return [check(record.value, address_of(record.address)).source_ns for record in records]


def test_every_kind_of_output_becomes_its_lane() -> None:
    """Raw, parsed, ui and metadata of one reading share its instant."""
    outputs: list[Output] = [
        Raw(b"\x01", "serial", 7),
        Parsed("Flow", {"rate": 1.5}, "2"),
        Ui("telemetry.pump", "pump", "1.0.0", {"rate": 1.5}),
        Metadata("Calibrated", {"by": "hand"}, "2026-11-01T11:00:00Z"),
    ]
    wrapped = wrapper().readings([Reading(PUMP, outputs)])
    assert wrapped.refused == []
    events = [check(one.value, address_of(one.address)) for one in wrapped.records]
    assert [event.series.lane for event in events] == ["raw", "parsed", "ui", "metadata"]
    assert {event.source_ns for event in events} == {NOON}
    assert {event.series.scope_id for event in events} == {"lab"}


def test_a_device_without_a_clock_gets_the_time_of_its_read() -> None:
    """A-122: set once; two readings of one entity in one read stay apart."""
    readings = [Reading(PUMP, [Raw(b"same")]), Reading(PUMP, [Raw(b"same")])]
    assert times(wrapper().readings(readings).records) == [NOON, NOON + 1]


def test_a_device_with_a_clock_keeps_its_time() -> None:
    """Also one that lies long ago, as of a store that is read out."""
    at_ns = NOON - 86_400 * 10**9
    assert times(wrapper().readings([Reading(PUMP, [Raw(b"")], at_ns)]).records) == [at_ns]


def test_a_time_is_kept_whatever_this_host_thinks_of_it() -> None:
    """Neither a clock far ahead nor a dump of old readings behind new ones is rewritten."""
    said = wrapper()
    given = [NOON + 7200 * 10**9, NOON, NOON - 86_400 * 10**9, NOON - 5, NOON]
    wrapped = said.readings([Reading(PUMP, [Raw(b"")], at_ns) for at_ns in given])
    assert times(wrapped.records) == given
    assert wrapped.refused == []
    assert times(said.readings([Reading(PUMP, [Raw(b"")])]).records) == [NOON]


def test_a_time_outside_the_range_is_told() -> None:
    """And costs only its own reading."""
    beyond = Reading(PUMP, [Raw(b"")], timestamps.NS_MAX + 1)
    wrapped = wrapper().readings([beyond, Reading(PUMP, [Raw(b"kept")])])
    assert times(wrapped.records) == [NOON]
    assert ["2262" in one for one in wrapped.refused] == [True]


def test_a_bad_output_costs_only_itself() -> None:
    """What has no JSON form, and names that are invalid, are reported; the rest is published."""
    outputs: list[Output] = [
        Parsed("Flow", {"rate": float("nan")}),
        Raw(b"kept"),
        Parsed("two words", {}),
    ]
    wrapped = wrapper().readings([Reading(PUMP, outputs)])
    assert len(wrapped.records) == 1
    assert ["NaN" in one or "nan" in one for one in wrapped.refused] == [True, False]
    assert "messageType" in wrapped.refused[1]


def test_an_entity_that_is_none_is_told() -> None:
    """Ids are tokens."""
    wrapped = wrapper().readings([Reading(Entity("la b", "bench", "pump"), [Raw(b"")])])
    assert (len(wrapped.records), len(wrapped.refused)) == (0, 1)


def test_descriptors_are_dated_by_the_device_or_by_now() -> None:
    """A-098: a device that begins with its past is known before it."""
    said = wrapper()
    assert times([said.descriptor(Target(PUMP, ("command:pump.set",)))]) == [NOON]
    old = Target(Entity("lab", "bench", "old"), (), since_ns=NOON - 5)
    assert times([said.descriptor(old)]) == [NOON - 5]
