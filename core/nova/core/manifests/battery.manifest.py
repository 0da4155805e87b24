"""A battery with its charging power and its load."""

from nova.sdk.manifests.manifest import CardManifest, Group, KeySpec, Layout, Limits

MANIFEST = CardManifest(
    manifest_id="battery",
    manifest_version="1.0.0",
    view_id="telemetry.battery",
    entity_type="battery",
    title="Battery",
    allowed_keys={
        "stateOfCharge": KeySpec(
            type="number",
            title="Charge",
            unit="%",
            minimum=0,
            maximum=100,
            precision=1,
            limits=Limits(warning_low=30, critical_low=15),
        ),
        "voltage": KeySpec(type="number", title="Voltage", unit="V", minimum=0, precision=2),
        "current": KeySpec(type="number", title="Current", unit="A", precision=2),
        "solarPower": KeySpec(type="number", title="Solar power", unit="W", minimum=0, precision=0),
        "load": KeySpec(type="number", title="Load", unit="W", minimum=0, precision=0),
        "sunlit": KeySpec(
            type="boolean", title="Sun", labels={"true": "in sunlight", "false": "in shadow"}
        ),
        "temperature": KeySpec(
            type="number",
            title="Temperature",
            unit="°C",
            minimum=-273.15,
            precision=1,
            limits=Limits(critical_low=-10, warning_low=0, warning_high=45, critical_high=60),
        ),
    },
    layout=Layout(
        shield=["stateOfCharge", "voltage", "sunlit"],
        card=[
            Group(title="Battery", rows=["stateOfCharge", "voltage", "current", "temperature"]),
            Group(title="Power", rows=["solarPower", "load", "sunlit"]),
        ],
        sparklines=["stateOfCharge", "voltage", "current"],
    ),
)
