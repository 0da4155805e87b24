"""A radio or network link, as reported by the unit that operates it."""

from nova.sdk.manifests.manifest import CardManifest, Group, KeySpec, Layout, Limits

MANIFEST = CardManifest(
    manifest_id="link",
    manifest_version="1.0.0",
    view_id="status.link",
    entity_type="link",
    title="Link",
    allowed_keys={
        "state": KeySpec(
            type="enum",
            title="State",
            labels={"up": "up", "degraded": "degraded", "down": "down"},
            limits=Limits(warning=["degraded"], critical=["down"]),
        ),
        "rate": KeySpec(type="number", title="Rate", unit="kbit/s", minimum=0, precision=1),
        "roundTrip": KeySpec(type="number", title="Round trip", unit="ms", minimum=0, precision=0),
        "loss": KeySpec(
            type="number",
            title="Lost",
            unit="%",
            minimum=0,
            maximum=100,
            precision=2,
            limits=Limits(warning_high=1, critical_high=10),
        ),
        "signal": KeySpec(type="number", title="Signal", unit="dBm", precision=1),
        "since": KeySpec(type="time", title="Since"),
    },
    layout=Layout(
        shield=["state", "rate"],
        card=[
            Group(rows=["state", "since"]),
            Group(title="Quality", rows=["rate", "roundTrip", "loss", "signal"]),
        ],
        sparklines=["rate", "roundTrip", "loss"],
    ),
)
