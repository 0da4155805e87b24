"""The rule of ingest: an update says what its manifest allows, where that is known (AMB-48)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sdk.envelope import UiUpdate
from sdk.errors import EnvelopeError
from sdk.manifest import CardManifest, Violation, violation

Manifests = Mapping[tuple[str, str], CardManifest]
"""By manifestId and manifestVersion; of others anything is taken."""


def by_version(manifests: Sequence[CardManifest]) -> Manifests:
    """Manifests as updates name them."""
    return {(manifest.manifest_id, manifest.manifest_version): manifest for manifest in manifests}


def what_breaks(update: UiUpdate, manifests: Manifests) -> Violation | None:
    """The key of an update that a known manifest does not allow, if there is one."""
    manifest = manifests.get((update.manifest_id, update.manifest_version))
    return None if manifest is None else violation(manifest, update.data)


def require_allowed(update: UiUpdate, manifests: Manifests) -> None:
    """Raise EnvelopeError naming the key of data that a known manifest does not allow."""
    found = what_breaks(update, manifests)
    if found is not None:
        member = f"data.{found.key}"
        raise EnvelopeError("notAllowed", member, f"{member} {found.reason}")
