"""`ManifestPublished` events: they record the manifests of an instance in its archive.

The whole event follows from the manifest and the instance's scope: its source time is the
manifest's effectiveTime, which is the epoch unless declared. So its eventId is the same at every
start and on every instance of the scope, and a known manifest is not stored again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from nova.core.store.archive import Archive
from nova.core.store.series_table import SeriesTable
from nova.sdk.address import SCOPE_TOKEN
from nova.sdk.events.event import Event, Series, check
from nova.sdk.field_types import JsonObject
from nova.sdk.manifests.manifest import CardManifest, name_of, published_body, read_published
from nova.sdk.manifests.manifest_files import ManifestFile

MANIFEST_PUBLISHED = "ManifestPublished"
FETCH_EVENTS = 100


def published_series(scope_id: str) -> Series:
    """The series of all manifests of a scope."""
    ids = (SCOPE_TOKEN, SCOPE_TOKEN, SCOPE_TOKEN)
    return Series(scope_id, "metadata", *ids, MANIFEST_PUBLISHED, "")


def published_event(manifest: CardManifest, scope_id: str) -> Event:
    header: JsonObject = {
        "scopeId": scope_id,
        "lane": "metadata",
        "systemId": SCOPE_TOKEN,
        "containerId": SCOPE_TOKEN,
        "uniqueId": SCOPE_TOKEN,
        "sourceTruthTime": manifest.effective_time,
        "messageType": MANIFEST_PUBLISHED,
    }
    return check(msgspec.json.encode({**header, **published_body(manifest)}))


class ReconciledManifests(NamedTuple):
    """The manifests in force: those of the files, except that the archive's version wins under a
    name that it holds already. Otherwise past cards would be drawn by a manifest that was not in
    effect then.
    """

    manifests: list[CardManifest]
    unpublished: list[CardManifest]
    """Those that the archive lacks."""

    conflicts: list[str]
    """Messages about manifests that differ under one name; conflicts are not fatal."""


def reconcile(
    files: Sequence[ManifestFile], archive: Archive, scope_id: str
) -> ReconciledManifests:
    """Reconcile manifest files with the manifests of `scope_id` in the archive."""
    series = SeriesTable()
    series.load(archive)
    settled = ReconciledManifests([], [], [])
    first: dict[str, CardManifest] = {}
    for manifest in published_manifests(archive, series, scope_id):
        if first.setdefault(name_of(manifest), manifest) != manifest:
            settled.conflicts.append(
                f"the archive holds two manifests {name_of(manifest)} of {scope_id}: the one that "
                "it received first counts"
            )
    for path, manifest in files:
        known = first.get(name_of(manifest))
        settled.manifests.append(known or manifest)
        if known is None:
            settled.unpublished.append(manifest)
        elif known != manifest:
            settled.conflicts.append(
                f"{path}: {name_of(manifest)} differs from the one that the archive holds under "
                "this id and version, which counts: give it a new manifestVersion"
            )
    return settled


def published_manifests(
    archive: Archive, series: SeriesTable, scope_id: str
) -> Iterator[CardManifest]:
    """The manifests that a scope has published, in order of receipt."""
    number = series.number(published_series(scope_id))
    if number is None:
        return
    event_keys = archive.series.event_keys(number)
    while part := list(islice(event_keys, FETCH_EVENTS)):
        for stored in archive.events.envelopes(part):
            manifest = read_published(stored or b"{}")
            if manifest is not None:
                yield manifest
