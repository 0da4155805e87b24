"""Attitude and angular rates of a vehicle."""

from nova.sdk.manifests.manifest import (
    Action,
    ArgumentSpec,
    CardManifest,
    Group,
    KeySpec,
    Layout,
    Limits,
)


def _angle(title: str, most: float) -> KeySpec:
    return KeySpec(type="number", title=title, unit="°", minimum=-most, maximum=most, precision=2)


def _rate(title: str) -> KeySpec:
    return KeySpec(
        type="number",
        title=title,
        unit="°/s",
        precision=3,
        limits=Limits(critical_low=-5, warning_low=-1, warning_high=1, critical_high=5),
    )


def _part(title: str) -> KeySpec:
    return KeySpec(type="number", title=title, minimum=-1.001, maximum=1.001, precision=4)


MANIFEST = CardManifest(
    manifest_id="attitude",
    manifest_version="1.0.0",
    view_id="telemetry.attitude",
    entity_type="attitude",
    title="Attitude",
    allowed_keys={
        "roll": _angle("Roll", 360),
        "pitch": _angle("Pitch", 360),
        "yaw": _angle("Yaw", 360),
        "rollRate": _rate("Roll rate"),
        "pitchRate": _rate("Pitch rate"),
        "yawRate": _rate("Yaw rate"),
        "qw": _part("Quaternion w"),
        "qx": _part("Quaternion x"),
        "qy": _part("Quaternion y"),
        "qz": _part("Quaternion z"),
    },
    layout=Layout(
        shield=["roll", "pitch", "yaw"],
        card=[
            Group(title="Angles", rows=["roll", "pitch", "yaw"]),
            Group(title="Rates", rows=["rollRate", "pitchRate", "yawRate"]),
            Group(title="Quaternion", rows=["qw", "qx", "qy", "qz"]),
        ],
        sparklines=["roll", "pitch", "yaw"],
    ),
    actions=[
        Action(
            command_type="attitude.point",
            title="Point at",
            arguments={
                "latitude": ArgumentSpec(
                    type="number",
                    title="Latitude",
                    unit="°",
                    minimum=-90,
                    maximum=90,
                    required=True,
                ),
                "longitude": ArgumentSpec(
                    type="number",
                    title="Longitude",
                    unit="°",
                    minimum=-180,
                    maximum=180,
                    required=True,
                ),
            },
            critical=True,
        ),
        Action(command_type="attitude.nadir", title="Point down again", critical=True),
    ],
)
