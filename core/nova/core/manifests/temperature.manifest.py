"""Temperatures of a spacecraft's parts, and the heater that keeps its battery warm."""

from nova.sdk.manifests.manifest import (
    Action,
    ArgumentSpec,
    CardManifest,
    Group,
    KeySpec,
    Layout,
    Limits,
)

ABSOLUTE_ZERO_C = -273.15


def _celsius(title: str, limits: Limits) -> KeySpec:
    return KeySpec(
        type="number",
        title=title,
        unit="°C",
        minimum=ABSOLUTE_ZERO_C,
        precision=1,
        limits=limits,
    )


MANIFEST = CardManifest(
    manifest_id="temperature",
    manifest_version="1.0.0",
    view_id="telemetry.temperature",
    entity_type="temperature",
    title="Temperatures",
    allowed_keys={
        "solarPanel": _celsius(
            "Solar panel",
            Limits(critical_low=-110, warning_low=-90, warning_high=90, critical_high=110),
        ),
        "battery": _celsius(
            "Battery", Limits(critical_low=0, warning_low=8, warning_high=35, critical_high=45)
        ),
        "onboardComputer": _celsius(
            "Computer", Limits(critical_low=-30, warning_low=-15, warning_high=60, critical_high=75)
        ),
        "payload": _celsius(
            "Payload", Limits(critical_low=-30, warning_low=-20, warning_high=35, critical_high=50)
        ),
        "heaterOn": KeySpec(
            type="boolean", title="Battery heater", labels={"true": "on", "false": "off"}
        ),
    },
    layout=Layout(
        shield=["battery", "payload", "heaterOn"],
        card=[
            Group(title="Parts", rows=["solarPanel", "battery", "onboardComputer", "payload"]),
            Group(title="Control", rows=["heaterOn"]),
        ],
        sparklines=["solarPanel", "battery", "onboardComputer", "payload"],
    ),
    actions=[
        Action(
            command_type="heater.set",
            title="Battery heater",
            arguments={
                "on": ArgumentSpec(
                    type="boolean",
                    title="Heater",
                    labels={"true": "on", "false": "off"},
                    required=True,
                )
            },
        ),
        Action(command_type="heater.auto", title="Heater by thermostat"),
    ],
)
