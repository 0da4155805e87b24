"""Carriers: over which links an entity's descriptors come, for commands to go the same way back."""

from __future__ import annotations

from collections.abc import Callable

from core.effect.published import DESCRIPTOR
from core.store import catalog
from core.store.archive import Archive
from core.writer.ingest import Incoming
from sdk.event import Series


class Carriers:
    """Of each entity the links that brought a descriptor, each with the newest that it brought.

    A descriptor counts for every link over which it comes, though only the first stores it.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[bytes, dict[str, str]] = {}

    def take(self, link: str, incoming: Incoming, note: Callable[[bytes, bytes], None]) -> None:
        """Learn from a batch that came over a link."""
        descriptors = {
            place: catalog.carrier_key(names)
            for place, names in enumerate(incoming.names)
            if names.message_type == DESCRIPTOR and names.lane == "metadata"
        }
        if not descriptors:
            return
        for place, order_key in zip(incoming.series, incoming.keys, strict=True):
            key = descriptors.get(place)
            if key is not None and order_key.hex() > (links := self._of(key)).get(link, ""):
                links[link] = order_key.hex()
                note(key, catalog.encode_carriers(links))

    def of(self, series: Series) -> dict[str, bytes]:
        """The links of an entity, and the order key of the newest descriptor that each brought."""
        links = self._of(catalog.carrier_key(series))
        return {link: bytes.fromhex(order_key) for link, order_key in links.items()}

    def _of(self, key: bytes) -> dict[str, str]:
        if key not in self._known:
            self._known[key] = catalog.decode_carriers(self._archive.get("catalog", key))
        return self._known[key]
