"""A position fix, of a GNSS receiver or computed from an orbit."""

from nova.sdk.manifests.manifest import CardManifest, Group, KeySpec, Layout, Limits

MANIFEST = CardManifest(
    manifest_id="gps",
    manifest_version="1.0.0",
    view_id="telemetry.gps",
    entity_type="gps",
    title="Position",
    allowed_keys={
        "latitude": KeySpec(
            type="number", title="Latitude", unit="°", minimum=-90, maximum=90, precision=4
        ),
        "longitude": KeySpec(
            type="number", title="Longitude", unit="°", minimum=-180, maximum=180, precision=4
        ),
        "altitude": KeySpec(type="number", title="Altitude", unit="m", precision=0),
        "speed": KeySpec(type="number", title="Speed", unit="m/s", minimum=0, precision=1),
        "course": KeySpec(
            type="number", title="Course", unit="°", minimum=0, maximum=360, precision=1
        ),
        "satellites": KeySpec(
            type="integer",
            title="Satellites used",
            minimum=0,
            maximum=200,
            limits=Limits(warning_low=6, critical_low=4),
        ),
        "hdop": KeySpec(
            type="number",
            title="Dilution of precision",
            minimum=0,
            precision=1,
            limits=Limits(warning_high=5, critical_high=20),
        ),
        "fix": KeySpec(
            type="enum",
            title="Fix",
            labels={
                "none": "no fix",
                "2D": "2D",
                "3D": "3D",
                "DGPS": "differential",
                "RTK": "RTK",
                "estimated": "estimated",
            },
            limits=Limits(warning=["2D", "estimated"], critical=["none"]),
        ),
    },
    layout=Layout(
        shield=["latitude", "longitude", "altitude"],
        card=[
            Group(title="Place", rows=["latitude", "longitude", "altitude"]),
            Group(title="Motion", rows=["speed", "course"]),
            Group(title="Fix", rows=["fix", "satellites", "hdop"]),
        ],
        sparklines=["altitude", "speed", "satellites"],
    ),
)
