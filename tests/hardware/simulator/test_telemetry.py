"""Telemetry: what a state becomes on its way to the Core."""

from __future__ import annotations

from nova.hardware.simulator import telemetry
from nova.hardware.simulator.satellite import Satellite
from nova.recordings import cds
from nova.sdk import timestamps

NOON = timestamps.parse("2026-11-01T12:00:00Z")
STATE = Satellite(1).at(NOON)


def test_every_unit_reports() -> None:
    """Each of the units that have capabilities says one thing about a state."""
    reports = list(telemetry.reports(STATE))
    assert [report.entity for report in reports] == list(telemetry.CAPABILITIES)
    types = {report.message_type for report in reports}
    assert types == {"Position", "Attitude", "Battery", "Temperatures", "Computer", "Link"}


def test_packets_hold_the_numbers_and_the_time() -> None:
    """The frame of each unit decodes to what its words say."""
    for report in telemetry.reports(STATE):
        packet, sequence = report.packet(NOON)
        assert int.from_bytes(packet[:2]) & 0x7FF == report.apid
        assert int.from_bytes(packet[2:4]) & 0x3FFF == sequence
        assert cds.decode(packet[6:]) == NOON
        numbers = report.layout.unpack(packet[6 + cds.SIZE_BYTES :])
        assert [round(a, 2) for a in numbers] == [round(b, 2) for b in report.numbers]


def test_change_of_mode_is_told_once() -> None:
    """ModeChanged is for a mode that is another than before, and only then."""
    assert STATE.mode != "DOWNLINK"
    assert telemetry.mode_change(STATE, None) is None
    assert telemetry.mode_change(STATE, STATE.mode) is None
    change = {"mode": STATE.mode, "previousMode": "DOWNLINK"}
    assert telemetry.mode_change(STATE, "DOWNLINK") == change


def test_capabilities_authorise_commands() -> None:
    """A-098: the units say what they can be sent."""
    assert "command:heater.set" in telemetry.CAPABILITIES[telemetry.TEMPERATURE]
    assert "command:camera.capture" in telemetry.CAPABILITIES[telemetry.COMPUTER]
