"""A spacecraft's onboard computer: mode, CPU load, camera and distance to the ground station."""

from nova.sdk.manifests.manifest import (
    Action,
    ArgumentSpec,
    CardManifest,
    Group,
    KeySpec,
    Layout,
    Limits,
)

MODES = {"STANDBY": "standby", "IMAGING": "imaging", "DOWNLINK": "downlink"}

MANIFEST = CardManifest(
    manifest_id="computer",
    manifest_version="1.0.0",
    view_id="telemetry.computer",
    entity_type="computer",
    title="Computer",
    allowed_keys={
        "mode": KeySpec(type="enum", title="Mode", labels=MODES),
        "cpuLoad": KeySpec(
            type="number",
            title="CPU load",
            unit="%",
            minimum=0,
            precision=1,
            limits=Limits(warning_high=80, critical_high=95),
        ),
        "stationDistance": KeySpec(
            type="number", title="Station", unit="km", minimum=0, precision=0
        ),
        "camera": KeySpec(
            type="enum", title="Camera", labels={"idle": "idle", "exposing": "exposing"}
        ),
        "images": KeySpec(type="integer", title="Images", minimum=0),
    },
    layout=Layout(
        shield=["mode", "cpuLoad"],
        card=[Group(rows=["mode", "cpuLoad", "stationDistance", "camera", "images"])],
        sparklines=["cpuLoad", "stationDistance"],
    ),
    actions=[
        Action(
            command_type="mode.set",
            title="Set mode",
            arguments={
                "mode": ArgumentSpec(type="enum", title="Mode", labels=MODES, required=True)
            },
            critical=True,
        ),
        Action(command_type="mode.auto", title="Mode by schedule", critical=True),
        Action(
            command_type="camera.capture",
            title="Take an image",
            arguments={
                "exposureMs": ArgumentSpec(
                    type="number",
                    title="Exposure",
                    unit="ms",
                    minimum=0.1,
                    maximum=1000,
                    default=10,
                )
            },
        ),
    ],
)
