"""`ManifestPublished`: the manifests that an instance knows, told as events of its own (A-216).

All of an event is derived from the manifest and the instance's scope: its source time is the
manifest's effectiveTime, which is the epoch unless declared. So the eventId is the same at every
start and on every instance of the scope, and what is known already is not stored again (AMB-14).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec

from core.errors import ArchiveError
from core.ordering import TIME_BYTES
from core.store.archive import Archive
from core.store.keys import LAST_EVENT_ID, series_bytes, series_key
from core.store.scan import scan
from core.store.series import SeriesTable
from sdk.address import SCOPE_TOKEN
from sdk.envelope import JsonObject
from sdk.event import Event, Series, check
from sdk.manifest import CardManifest, from_published, name_of, published_body
from sdk.manifest_files import ManifestFile

MANIFEST_PUBLISHED = "ManifestPublished"
READ_TOGETHER = 100


def published_series(scope_id: str) -> Series:
    """The series of all that are published in a scope."""
    ids = (SCOPE_TOKEN, SCOPE_TOKEN, SCOPE_TOKEN)
    return Series(scope_id, "metadata", *ids, MANIFEST_PUBLISHED, "")


def published_event(manifest: CardManifest, scope_id: str) -> Event:
    """The event that tells of a manifest."""
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


def refuse_changes(
    files: Sequence[ManifestFile], archive: Archive, series: SeriesTable, scope_id: str
) -> None:
    """Raise ArchiveError where a manifest is not what was published under its id and version:
    cards of the past would be drawn by what was not in effect then.
    """
    before = {name_of(manifest): manifest for manifest in published(archive, series, scope_id)}
    for path, manifest in files:
        known = before.get(name_of(manifest))
        if known is not None and known != manifest:
            raise ArchiveError(
                f"{path}: {name_of(manifest)} is not what the archive holds under this id and "
                "version: give it a new manifestVersion"
            )


def published(archive: Archive, series: SeriesTable, scope_id: str) -> Iterator[CardManifest]:
    """The manifests that a scope has published, in the order of their times."""
    number = series.number(published_series(scope_id))
    if number is None:
        return
    prefix = series_bytes(number)
    bounds = series_key(prefix, b""), series_key(prefix, b"\xff" * TIME_BYTES, LAST_EVENT_ID)
    rows = scan(archive.families["series_source"], *bounds)
    while places := [time + prefix for _, time in islice(rows, READ_TOGETHER)]:
        for stored in archive.get_many("canonical", places):
            found = from_published(msgspec.json.decode(stored or b"{}", type=JsonObject))
            if found is not None:
                yield found
