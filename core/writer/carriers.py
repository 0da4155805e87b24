"""Link routes: the links that deliver an entity's descriptors, over which its commands are sent."""

from __future__ import annotations

from collections.abc import Callable

from core.effect.published import DESCRIPTOR
from core.store import catalog
from core.store.archive import Archive
from core.writer.ingest import Incoming
from sdk.event import Series


class Carriers:
    """For each entity, the links that have delivered a descriptor, each with its newest one.

    A descriptor counts for every link that delivers it, although only the first one stores it.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[bytes, dict[str, str]] = {}

    def take(self, link: str, incoming: Incoming, note: Callable[[bytes, bytes], None]) -> None:
        """Update the routes from a batch of a link; `note` writes a catalog record."""
        descriptors = {
            index: catalog.carrier_key(names)
            for index, names in enumerate(incoming.names)
            if names.message_type == DESCRIPTOR and names.lane == "metadata"
        }
        if not descriptors:
            return
        for index, order_key in zip(incoming.series, incoming.keys, strict=True):
            key = descriptors.get(index)
            if key is not None and order_key.hex() > (links := self._of(key)).get(link, ""):
                links[link] = order_key.hex()
                note(key, catalog.encode_carriers(links))

    def of(self, series: Series) -> dict[str, bytes]:
        """By link name, the order key of the newest descriptor of an entity that it delivered."""
        links = self._of(catalog.carrier_key(series))
        return {link: bytes.fromhex(order_key) for link, order_key in links.items()}

    def _of(self, key: bytes) -> dict[str, str]:
        if key not in self._known:
            self._known[key] = catalog.decode_carriers(self._archive.get("catalog", key))
        return self._known[key]
