"""Telemetry: what a state becomes on its way to the Core."""

from __future__ import annotations

from collections import Counter

from sdk import manifest_files, timestamps
from sdk.envelope import MetadataEvent, ParsedMessage, ProducerDescriptor, RawFrame, UiUpdate
from sdk.event import Event
from sdk.manifest import problem
from sdk.observation import Observer
from sdk.simulator import telemetry
from sdk.simulator.mode import Mode
from sdk.simulator.satellite import Satellite, State
from sdk.simulator.screen import Screen

NOON = timestamps.parse("2026-11-01T12:00:00Z")
STATE = Satellite(1).at(NOON)


def told(state: State = STATE, previous: Mode | None = None) -> list[Event]:
    """The events of one state, by a satellite that has said nothing yet."""
    return list(telemetry.events(Observer("demo"), state, previous, Screen()))


def test_every_unit_speaks_in_three_lanes() -> None:
    """A raw frame, a parsed message and a ui update of each unit, all at one instant."""
    events = told()
    lanes = Counter(event.series.lane for event in events)
    assert lanes == {"raw": 6, "parsed": 6, "ui": 6}
    assert {event.source_ns for event in events} == {NOON}
    types = {one.envelope.message_type for one in events if isinstance(one.envelope, ParsedMessage)}
    assert types == {"Position", "Attitude", "Battery", "Temperatures", "Computer", "Link"}
    views = {
        (one.envelope.view_id, one.envelope.manifest_id)
        for one in events
        if isinstance(one.envelope, UiUpdate)
    }
    assert views == {
        (f"telemetry.{name}", name)
        for name in ("gps", "attitude", "battery", "temperature", "computer")
    } | {("status.link", "link")}


def test_lanes_of_a_unit_agree() -> None:
    """What the operator sees is what was parsed."""
    events = told()
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
        events = told(previous=previous)
        changes = [one.envelope for one in events if isinstance(one.envelope, MetadataEvent)]
        assert len(changes) == expected
        for change in changes:
            assert change.message_type == "ModeChanged"
            assert change.payload == {"mode": STATE.mode, "previousMode": "DOWNLINK"}
            assert change.effective_time == timestamps.text(NOON)


def test_descriptors_authorise_commands() -> None:
    """A-098: each unit says what it can do, from its first instant on."""
    events = list(telemetry.descriptors(Observer("demo"), NOON))
    assert len(events) == 6
    told = {}
    for event in events:
        assert isinstance(event.envelope, ProducerDescriptor)
        assert event.envelope.effective_time == timestamps.text(NOON)
        told[event.series.unique_id] = event.envelope.capabilities
    assert "command:heater.set" in told["temperature"]


def test_updates_keep_to_the_shipped_manifests() -> None:
    """A day of states: every update names a manifest that is shipped, and breaks no rule of it."""
    manifests = {one.manifest.view_id: one.manifest for one in manifest_files.load()}
    satellite = Satellite(1)
    seen = set()
    for minute in range(0, 24 * 60, 7):
        for event in told(satellite.at(NOON + minute * 60 * 10**9)):
            if isinstance(update := event.envelope, UiUpdate):
                manifest = manifests[update.view_id]
                assert problem(manifest, update.data) is None
                assert update.manifest_id == manifest.manifest_id
                assert update.manifest_version == manifest.manifest_version
                seen.add(update.view_id)
    assert seen == set(telemetry.VIEWS.values())
