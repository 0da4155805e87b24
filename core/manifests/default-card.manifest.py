"""The card of whatever has no other: it allows every key and shows all there are (A-231)."""

from sdk.manifest import ANY_KEY, CardManifest, KeySpec

MANIFEST = CardManifest(
    manifest_id="default-card",
    manifest_version="1.0.0",
    view_id="default-card",
    entity_type="default",
    title="Telemetry",
    allowed_keys={ANY_KEY: KeySpec(type="any")},
)
