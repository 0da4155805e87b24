"""Descriptors and manifests at a moment, for whoever discovers or commands what there is."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from core.effect.history import Entry
from core.effect.moment import Moment
from core.effect.recorded import Recorded, Records
from core.store.series import SeriesTable
from sdk.address import SCOPE_TOKEN
from sdk.manifest import CardManifest, name_of, read_published
from sdk.views import DescriptorInfo

DESCRIPTOR = "ProducerDescriptor"
MANIFEST = "ManifestPublished"


class _Descriptor(msgspec.Struct, rename="camel"):
    capabilities: list[str]
    schema_version: str
    effective_time: str


_descriptor = msgspec.json.Decoder(_Descriptor)


class Published:
    """Shared by all who ask of one archive; `own_scope` is the authority for manifests."""

    def __init__(self, records: Records, own_scope: str) -> None:
        self._own_scope = own_scope
        self._descriptors = Recorded(records, _read_descriptor)
        self._manifests = Recorded(records, self._read_manifest)
        self._first: dict[tuple[int, str], CardManifest] = {}
        self._series = _ManifestSeries(records.series)

    def descriptor(self, number: int, moment: Moment) -> tuple[Entry[DescriptorInfo] | None, int]:
        """The descriptor in effect of a series of descriptors, and from when on it will be the last
        of them. Producers' clocks may be ahead.
        """
        history = self._descriptors.of(number)
        return history.at_or_leading(moment), history.settled_ns(moment.timebase)

    def coming(self, number: int) -> Entry[DescriptorInfo] | None:
        """The descriptor of a series that takes effect last in source time."""
        entries = self._descriptors.of(number).entries("source")
        return entries[-1] if entries else None

    def manifests(
        self, moment: Moment, scopes: Collection[str] | None = None
    ) -> list[CardManifest]:
        """Every version of every manifest that has taken effect, those of a manifest in the order
        in which they did, of some scopes or of all. What this instance has published itself goes
        before what others have published under the same id and version.
        """
        found: dict[str, CardManifest] = {}
        for number in self._series.in_rising_authority(self._own_scope, scopes):
            for entry in self._manifests.of(number).until(moment):
                found.pop(name_of(entry.value), None)
                found[name_of(entry.value)] = entry.value
        return sorted(found.values(), key=lambda manifest: manifest.manifest_id)

    def _read_manifest(self, number: int, stored: bytes) -> CardManifest | None:
        """The manifest of an event, if it is the first of its series under its id and version:
        another one under the same name would change how the past is drawn.
        """
        manifest = read_published(stored)
        if manifest is None:
            return None
        first = self._first.setdefault((number, name_of(manifest)), manifest)
        return manifest if manifest == first else None


def _read_descriptor(_: int, stored: bytes) -> DescriptorInfo:
    told = _descriptor.decode(stored)
    return DescriptorInfo(
        capabilities=told.capabilities,
        schema_version=told.schema_version,
        effective_time=told.effective_time,
    )


class _ManifestSeries:
    """The series in which manifests are published, looked for as series are added."""

    def __init__(self, table: SeriesTable) -> None:
        self._table = table
        self._looked_at = 0
        self._numbers: list[int] = []

    def in_rising_authority(self, own_scope: str, scopes: Collection[str] | None) -> list[int]:
        """Those of some scopes, the instance's own scope last, and of a scope itself behind those
        of its entities.
        """
        names = self._table.names
        while self._looked_at < len(names):
            series = names[self._looked_at]
            if series.lane == "metadata" and series.message_type == MANIFEST:
                self._numbers.append(self._looked_at)
            self._looked_at += 1
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
