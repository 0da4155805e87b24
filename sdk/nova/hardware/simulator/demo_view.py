"""The demo's default view: power, temperatures, ground track, and the heater's commands."""

from __future__ import annotations

from nova.hardware.simulator import telemetry
from nova.sdk.default_view import (
    DefaultView,
    PanelColumn,
    PanelLayout,
    PlacedPanel,
    ViewEntity,
    ViewLine,
    ViewTrack,
)
from nova.sdk.events.observation import Entity

LAYOUT = PanelLayout(
    columns=[
        PanelColumn(
            share=18,
            panels=[PlacedPanel(id="entities", share=1.2), PlacedPanel(id="values")],
        ),
        PanelColumn(
            share=32,
            panels=[PlacedPanel(id="plots", share=1.6), PlacedPanel(id="track")],
        ),
        PanelColumn(
            share=26,
            panels=[
                PlacedPanel(id="commands"),
                PlacedPanel(id="shields", share=1.1),
                PlacedPanel(id="alarms", share=0.7),
            ],
        ),
        PanelColumn(
            share=24,
            panels=[
                PlacedPanel(id="cards", share=1.2),
                PlacedPanel(id="inspector"),
                PlacedPanel(id="chat", share=0.65),
            ],
        ),
    ]
)


def demo_view(scope_id: str) -> DefaultView:
    """The default view of an instance whose scope has the simulated satellite."""
    return DefaultView(
        layout=LAYOUT,
        panel="plots",
        selected=ViewEntity(
            scope_id=scope_id,
            system_id=telemetry.TEMPERATURE.system_id,
            container_id=telemetry.TEMPERATURE.container_id,
            unique_id=telemetry.TEMPERATURE.unique_id,
        ),
        command_type="heater.set",
        track=ViewTrack(
            scope_id=scope_id,
            system_id=telemetry.GPS.system_id,
            container_id=telemetry.GPS.container_id,
            unique_id=telemetry.GPS.unique_id,
            message_type="Position",
        ),
        plots=[
            _lines(scope_id, telemetry.BATTERY, "Battery", "stateOfCharge"),
            _lines(scope_id, telemetry.BATTERY, "Battery", "solarPower", "load"),
            _lines(scope_id, telemetry.TEMPERATURE, "Temperatures", "battery", "onboardComputer"),
        ],
    )


def _lines(scope_id: str, entity: Entity, message_type: str, *fields: str) -> list[ViewLine]:
    return [
        ViewLine(
            scope_id=scope_id,
            system_id=entity.system_id,
            container_id=entity.container_id,
            unique_id=entity.unique_id,
            message_type=message_type,
            field=field,
        )
        for field in fields
    ]
