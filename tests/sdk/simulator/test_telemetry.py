"""Telemetry: what a state becomes on its way to the Core."""

from __future__ import annotations

from collections import Counter

from sdk import timestamps
from sdk.envelope import MetadataEvent, ParsedMessage, ProducerDescriptor, RawFrame, UiUpdate
from sdk.observation import Observer
from sdk.simulator import telemetry
from sdk.simulator.satellite import Satellite

NOON = timestamps.parse("2026-11-01T12:00:00Z")
STATE = Satellite(1).at(NOON)


def test_every_unit_speaks_in_three_lanes() -> None:
    """A raw frame, a parsed message and a ui update of each unit, all at one instant."""
    events = list(telemetry.events(Observer("demo"), STATE, None))
    lanes = Counter(event.series.lane for event in events)
    assert lanes == {"raw": 5, "parsed": 5, "ui": 5}
    assert {event.source_ns for event in events} == {NOON}
    types = {one.envelope.message_type for one in events if isinstance(one.envelope, ParsedMessage)}
    assert types == {"Position", "Attitude", "Battery", "Temperatures", "Computer"}
    views = {
        (one.envelope.view_id, one.envelope.manifest_id)
        for one in events
        if isinstance(one.envelope, UiUpdate)
    }
    assert views == {
        (f"telemetry.{name}", name)
        for name in ("gps", "attitude", "battery", "temperature", "computer")
    }


def test_lanes_of_a_unit_agree() -> None:
    """What the operator sees is what was parsed."""
    events = list(telemetry.events(Observer("demo"), STATE, None))
    for raw, parsed, ui in zip(events[::3], events[1::3], events[2::3], strict=True):
        assert isinstance(raw.envelope, RawFrame)
        assert isinstance(parsed.envelope, ParsedMessage)
        assert isinstance(ui.envelope, UiUpdate)
        assert parsed.envelope.payload == ui.envelope.data
        assert len({event.series[2:5] for event in (raw, parsed, ui)}) == 1


def test_change_of_mode_is_told_once() -> None:
    """ModeChanged comes with the computer's telemetry when the mode is another, and only then."""
    for previous, expected in ((None, 0), (STATE.mode, 0), ("DOWNLINK", 1)):
        assert STATE.mode != "DOWNLINK"
        events = list(telemetry.events(Observer("demo"), STATE, previous))
        told = [one.envelope for one in events if isinstance(one.envelope, MetadataEvent)]
        assert len(told) == expected
        for change in told:
            assert change.message_type == "ModeChanged"
            assert change.payload == {"mode": STATE.mode, "previousMode": "DOWNLINK"}
            assert change.effective_time == timestamps.text(NOON)


def test_descriptors_authorise_commands() -> None:
    """A-098: each unit says what it can do, from its first instant on."""
    events = list(telemetry.descriptors(Observer("demo"), NOON))
    assert len(events) == 5
    told = {}
    for event in events:
        assert isinstance(event.envelope, ProducerDescriptor)
        assert event.envelope.effective_time == timestamps.text(NOON)
        told[event.series.unique_id] = event.envelope.capabilities
    assert "command:heater.set" in told["temperature"]
