"""Descriptors and manifests as of a time, for whoever discovers what there is."""

from __future__ import annotations

import msgspec

from core.ordering import Timebase
from core.reader.effective import Effective
from core.reader.selection import Selection
from core.reader.view import View
from sdk.address import SCOPE_TOKEN
from sdk.manifest import CardManifest, name_of, read_published
from sdk.protocol import DescriptorInfo, Filters

DESCRIPTOR = "ProducerDescriptor"
MANIFEST = "ManifestPublished"


class _Descriptor(msgspec.Struct, rename="camel"):
    capabilities: list[str]
    schema_version: str
    effective_time: str


class _Ids(msgspec.Struct, rename="camel", frozen=True):
    """Whose an event is."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str


_descriptor = msgspec.json.Decoder(_Descriptor)
_ids = msgspec.json.Decoder(_Ids)


class Published:
    """Shared by all sessions of a reader; `own_scope` is the authority for manifests."""

    def __init__(self, view: View, own_scope: str) -> None:
        self._view = view
        self._own_scope = own_scope
        self._descriptors = Effective(view, _read_descriptor)
        self._manifests = Effective(view, _Versions().read)
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
            key=lambda number: (
                names[number].scope_id == self._own_scope,
                names[number].unique_id == SCOPE_TOKEN,
                names[number],
            ),
        )


def _read_descriptor(stored: bytes) -> DescriptorInfo:
    told = _descriptor.decode(stored)
    return DescriptorInfo(
        capabilities=told.capabilities,
        schema_version=told.schema_version,
        effective_time=told.effective_time,
    )


class _Versions:
    """The first manifest that a series has told under each id and version: another one under the
    same name would change how the past is drawn.
    """

    def __init__(self) -> None:
        self._first: dict[tuple[_Ids, str], CardManifest] = {}

    def read(self, stored: bytes) -> CardManifest | None:
        """The manifest of an event; they come in the order in which they were received."""
        found = read_published(stored)
        if found is None:
            return None
        name = (_ids.decode(stored), name_of(found))
        return found if self._first.setdefault(name, found) == found else None
