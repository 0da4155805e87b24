"""The demo's default view names existing series of its satellite."""

from __future__ import annotations

from nova.hardware.simulator.demo_view import demo_view
from nova.hardware.simulator.satellite import Satellite
from nova.hardware.simulator.telemetry import CAPABILITIES, UnitReport, reports
from nova.sdk import timestamps

AT_NS = timestamps.parse("2026-11-01T00:00:00Z")
VIEW = demo_view("demo")


def told(unique_id: str, message_type: str) -> UnitReport:
    """The report of a unit."""
    state = Satellite(1).at(AT_NS)
    (found,) = (
        one
        for one in reports(state)
        if (one.entity.unique_id, one.message_type) == (unique_id, message_type)
    )
    return found


def test_every_line_is_a_number_of_a_report() -> None:
    """A name that nobody publishes would be an empty plot."""
    lines = [line for plot in VIEW.plots for line in plot]
    assert {line.unique_id for line in lines} == {"battery", "temperature"}
    for line in lines:
        value = told(line.unique_id, line.message_type).payload[line.field]
        assert isinstance(value, int | float) and not isinstance(value, bool)


def test_the_track_is_where_the_satellite_says_that_it_is() -> None:
    """Degrees, of the receiver's own report."""
    assert VIEW.track is not None
    payload = told(VIEW.track.unique_id, VIEW.track.message_type).payload
    assert {VIEW.track.latitude, VIEW.track.longitude} <= set(payload)


def test_the_command_is_one_that_the_selected_unit_takes() -> None:
    """Its form opens with the page."""
    assert VIEW.selected is not None
    unit = VIEW.selected.unique_id
    (able,) = (names for entity, names in CAPABILITIES.items() if entity.unique_id == unit)
    assert f"command:{VIEW.command_type}" in able
