"""The descriptors and manifests in effect at a moment, for discovery and commands."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from nova.core.effect.history import HistoryEntry
from nova.core.effect.moment import Moment
from nova.core.effect.recorded import SeriesHistories, WatermarkedArchive
from nova.core.store.series_table import SeriesTable
from nova.sdk.address import SCOPE_TOKEN
from nova.sdk.manifests.manifest import CardManifest, name_of, read_published
from nova.sdk.protocol.views import DescriptorInfo

DESCRIPTOR_TYPE = "ProducerDescriptor"
MANIFEST_TYPE = "ManifestPublished"


class _DescriptorFields(msgspec.Struct, rename="camel"):
    capabilities: list[str]
    schema_version: str
    effective_time: str


_descriptor_decoder = msgspec.json.Decoder(_DescriptorFields)


class PublishedMetadata:
    """One archive's descriptors and manifests; `own_scope` is the authority for manifests.

    One instance serves all users of the archive.
    """

    def __init__(self, records: WatermarkedArchive, own_scope: str) -> None:
        self._own_scope = own_scope
        self._descriptors = SeriesHistories(records, _read_descriptor)
        self._manifests = SeriesHistories(records, self._read_manifest)
        self._first_manifests: dict[tuple[int, str], CardManifest] = {}
        self._series = _ManifestSeries(records.series)

    def descriptor(
        self, number: int, moment: Moment
    ) -> tuple[HistoryEntry[DescriptorInfo] | None, int]:
        """The descriptor in effect of a series of descriptors, and the time in ns from which on its
        last descriptor is in effect. Allows for producer clocks that run ahead.
        """
        history = self._descriptors.history_of(number)
        return history.entry_at_or_ahead(moment), history.last_effect_ns(moment.timebase)

    def last_descriptor(self, number: int) -> HistoryEntry[DescriptorInfo] | None:
        """The descriptor of a series with the latest time of effect in source time."""
        entries = self._descriptors.history_of(number).entries("source")
        return entries[-1] if entries else None

    def manifests(
        self, moment: Moment, scopes: Collection[str] | None = None
    ) -> list[CardManifest]:
        """Every version of every manifest that has taken effect, of `scopes` (None: all), sorted by
        manifest id and, within one, by time of effect. This instance's own manifests win over those
        that others publish under the same id and version.
        """
        by_name: dict[str, CardManifest] = {}
        for number in self._series.by_authority(self._own_scope, scopes):
            for entry in self._manifests.history_of(number).until(moment):
                by_name.pop(name_of(entry.value), None)
                by_name[name_of(entry.value)] = entry.value
        return sorted(by_name.values(), key=lambda manifest: manifest.manifest_id)

    def _read_manifest(self, number: int, stored: bytes) -> CardManifest | None:
        """The event's manifest, if it is the first of its series under its id and version: a later
        one under the same name would change how past data is displayed.
        """
        manifest = read_published(stored)
        if manifest is None:
            return None
        first = self._first_manifests.setdefault((number, name_of(manifest)), manifest)
        return manifest if manifest == first else None


def _read_descriptor(_: int, stored: bytes) -> DescriptorInfo:
    descriptor = _descriptor_decoder.decode(stored)
    return DescriptorInfo(
        capabilities=descriptor.capabilities,
        schema_version=descriptor.schema_version,
        effective_time=descriptor.effective_time,
    )


class _ManifestSeries:
    """The series in which manifests are published; reads only the series added since the last
    call.
    """

    def __init__(self, table: SeriesTable) -> None:
        self._table = table
        self._next_number = 0
        self._numbers: list[int] = []

    def by_authority(self, own_scope: str, scopes: Collection[str] | None) -> list[int]:
        """The series numbers of `scopes` (None: all). The instance's own scope comes last, and
        within a scope the scope's own series comes after those of its entities.
        """
        names = self._table.names
        while self._next_number < len(names):
            series = names[self._next_number]
            if series.lane == "metadata" and series.message_type == MANIFEST_TYPE:
                self._numbers.append(self._next_number)
            self._next_number += 1
        wanted = [
            number for number in self._numbers if scopes is None or names[number].scope_id in scopes
        ]
        return sorted(
            wanted,
            key=lambda number: (
                names[number].scope_id == own_scope,
                names[number].unique_id == SCOPE_TOKEN,
                names[number],
            ),
        )
