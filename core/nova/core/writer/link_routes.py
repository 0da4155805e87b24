"""Link routes: the links that deliver an entity's descriptors, over which its commands are sent."""

from __future__ import annotations

from collections.abc import Callable

from nova.core.effect.published import DESCRIPTOR_TYPE
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.writer.columns import BatchColumns
from nova.sdk.events.event import Series


class LinkRoutes:
    """For each entity, the links that have delivered a descriptor, each with its newest one.

    A descriptor counts for every link that delivers it, although only the first one stores it.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._routes: dict[bytes, dict[str, str]] = {}

    def update(
        self, link: str, columns: BatchColumns, put_record: Callable[[bytes, bytes], None]
    ) -> None:
        """Update the routes from a batch of a link; `put_record` writes a catalog record."""
        descriptors = {
            index: catalog.link_routes_key(names)
            for index, names in enumerate(columns.names)
            if names.message_type == DESCRIPTOR_TYPE and names.lane == "metadata"
        }
        if not descriptors:
            return
        for index, order_key in zip(columns.series, columns.keys, strict=True):
            key = descriptors.get(index)
            if key is not None and order_key.hex() > (links := self._load(key)).get(link, ""):
                links[link] = order_key.hex()
                put_record(key, catalog.encode_link_routes(links))

    def routes_of(self, series: Series) -> dict[str, bytes]:
        """By link name, the order key of the newest descriptor of an entity that it delivered."""
        links = self._load(catalog.link_routes_key(series))
        return {link: bytes.fromhex(order_key) for link, order_key in links.items()}

    def _load(self, key: bytes) -> dict[str, str]:
        if key not in self._routes:
            self._routes[key] = self._archive.record.link_routes(key)
        return self._routes[key]
