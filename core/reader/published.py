"""Descriptors and manifests as of a time, for whoever discovers what there is."""

from __future__ import annotations

import msgspec

from core.ordering import Timebase
from core.reader.effective import Effective
from core.reader.selection import Selection
from core.reader.view import View
from sdk.envelope import JsonObject
from sdk.manifest import CardManifest, from_published
from sdk.protocol import DescriptorInfo, Filters

DESCRIPTOR = "ProducerDescriptor"
MANIFEST = "ManifestPublished"


class _Descriptor(msgspec.Struct, rename="camel"):
    capabilities: list[str]
    schema_version: str
    effective_time: str


_descriptor = msgspec.json.Decoder(_Descriptor)
_body = msgspec.json.Decoder(JsonObject)


class Published:
    """Shared by all sessions of a reader; `own_scope` is the authority for manifests."""

    def __init__(self, view: View, own_scope: str) -> None:
        self._view = view
        self._own_scope = own_scope
        self._descriptors = Effective(view, _read_descriptor)
        self._manifests = Effective(view, _read_manifest)
        self._published = Selection(
            Filters(lanes=["metadata"], message_types=[MANIFEST]), view.series
        )

    def descriptor(
        self, number: int, timebase: Timebase, time_ns: int
    ) -> tuple[DescriptorInfo | None, int]:
        """The descriptor in effect at a time, of a series of descriptors, and when the last of them
        takes effect.
        """
        return self._descriptors.as_of(number, timebase, time_ns)

    def manifests(self, timebase: Timebase, time_ns: int) -> list[CardManifest]:
        """Every version of every manifest that has taken effect by a time, those of a manifest in
        the order in which they did. What this instance has published itself goes before what others
        have published under the same id and version.
        """
        found: dict[tuple[str, str], CardManifest] = {}
        for number in self._in_rising_authority():
            for entry in self._manifests.all_of(number, timebase, time_ns):
                manifest = entry.value
                name = (manifest.manifest_id, manifest.manifest_version)
                found.pop(name, None)
                found[name] = manifest
        return sorted(found.values(), key=lambda manifest: manifest.manifest_id)

    def _in_rising_authority(self) -> list[int]:
        names = self._view.series.names
        return sorted(
            self._published.numbers(),
            key=lambda number: (names[number].scope_id == self._own_scope, names[number]),
        )


def _read_descriptor(stored: bytes) -> DescriptorInfo:
    told = _descriptor.decode(stored)
    return DescriptorInfo(
        capabilities=told.capabilities,
        schema_version=told.schema_version,
        effective_time=told.effective_time,
    )


def _read_manifest(stored: bytes) -> CardManifest | None:
    return from_published(_body.decode(stored))
