"""The manifest policy of ingest: an update must conform to its manifest if that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nova.sdk.errors import EnvelopeError
from nova.sdk.events.envelope import UiUpdate
from nova.sdk.manifests.manifest import CardManifest, Violation, violation

ManifestIndex = Mapping[tuple[str, str], CardManifest]
"""By manifestId and manifestVersion. Updates of other manifests are accepted unchecked."""


def index_by_version(manifests: Sequence[CardManifest]) -> ManifestIndex:
    """Index manifests by the two members by which updates name them."""
    return {(manifest.manifest_id, manifest.manifest_version): manifest for manifest in manifests}


def find_violation(update: UiUpdate, manifests: ManifestIndex) -> Violation | None:
    """The first key of an update that its manifest does not allow; None also if that is unknown."""
    manifest = manifests.get((update.manifest_id, update.manifest_version))
    return None if manifest is None else violation(manifest, update.data)


def require_allowed(update: UiUpdate, manifests: ManifestIndex) -> None:
    """Raise EnvelopeError that names the key which the known manifest does not allow."""
    found = find_violation(update, manifests)
    if found is not None:
        member = f"data.{found.key}"
        raise EnvelopeError("notAllowed", member, f"{member} {found.reason}")
