"""The card of views without a card of their own: it allows and shows every key."""

from nova.sdk.manifests.manifest import ANY_KEY, CardManifest, KeySpec

MANIFEST = CardManifest(
    manifest_id="default-card",
    manifest_version="1.0.0",
    view_id="default-card",
    entity_type="default",
    title="Telemetry",
    allowed_keys={ANY_KEY: KeySpec(type="any")},
)
