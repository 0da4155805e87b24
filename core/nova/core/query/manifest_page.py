"""Pages of manifests in replies to Discover: they come before the entities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from nova.core.errors import RequestError
from nova.sdk.manifests.manifest import CardManifest

KEY_PREFIX = "|"
"""Begins the key of a page that ends within the manifests; the key of an entity has none."""


class ManifestPage(NamedTuple):
    """Manifests as JSON, and the key to continue after (None: entities follow)."""

    manifests: list[bytes]
    next_key: str | None

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.manifests))


def is_manifest_key(after_key: str | None) -> bool:
    """Whether a page begins with manifests."""
    return after_key is None or after_key.startswith(KEY_PREFIX)


def manifest_page(
    known: Sequence[CardManifest], after_key: str | None, max_bytes: int
) -> ManifestPage:
    """The manifests after a key; the one that reaches `max_bytes` is the last. Raises RequestError
    for a key that names no manifest.
    """
    start = 0 if after_key is None else _behind(known, after_key)
    encoded: list[bytes] = []
    size = 0
    for number, manifest in enumerate(known[start:], start):
        if encoded and size >= max_bytes:
            return ManifestPage(encoded, _key_of(known[number - 1]))
        encoded.append(msgspec.json.encode(manifest))
        size += len(encoded[-1])
    return ManifestPage(encoded, None)


def _key_of(manifest: CardManifest) -> str:
    # A version contains no `|`.
    return f"{KEY_PREFIX}{manifest.manifest_version}{KEY_PREFIX}{manifest.manifest_id}"


def _behind(known: Sequence[CardManifest], key: str) -> int:
    """The number of the manifest after the one of a key, however many became known since."""
    for number, manifest in enumerate(known):
        if _key_of(manifest) == key:
            return number + 1
    raise RequestError(
        "badKey", "afterKey is not the nextKey of a discoverResponse: pass it unchanged"
    )
