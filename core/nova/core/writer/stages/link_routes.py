"""Link routes: the links that deliver an entity's descriptors, over which its commands are sent."""

from __future__ import annotations

from collections.abc import Iterator

from nova.core.effect.published import DESCRIPTOR_TYPE
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.writer.additions import NOTHING, Additions
from nova.core.writer.commit import Commit
from nova.core.writer.delivered_batch import DeliveredBatch
from nova.sdk.events.event import Series


class LinkRoutes:
    """For each entity, the links that have delivered a descriptor, each with its newest one.

    A descriptor counts for every link that delivers it, although only the first one stores it.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._routes: dict[bytes, dict[str, str]] = {}

    def __call__(self, delivered: DeliveredBatch, _: Commit) -> Additions:
        """Update the routes from a batch."""
        columns = delivered.columns
        rows: list[KeyValue] = []
        for number in columns.sparse:
            names = columns.names[columns.series[number]]
            if names.message_type == DESCRIPTOR_TYPE and names.lane == "metadata":
                order_key = columns.keys[number].hex()
                key = catalog.link_routes_key(names)
                rows += self._advance(key, delivered.link, order_key)
        return Additions(rows=rows) if rows else NOTHING

    def _advance(self, key: bytes, link: str, order_key: str) -> Iterator[KeyValue]:
        """Yields the new row if a link's descriptor is newer than its last one."""
        links = self._load(key)
        if order_key > links.get(link, ""):
            links[link] = order_key
            yield key, catalog.encode_link_routes(links)

    def routes_of(self, series: Series) -> dict[str, bytes]:
        """By link name, the order key of the newest descriptor of an entity that it delivered."""
        links = self._load(catalog.link_routes_key(series))
        return {link: bytes.fromhex(order_key) for link, order_key in links.items()}

    def _load(self, key: bytes) -> dict[str, str]:
        if key not in self._routes:
            self._routes[key] = self._archive.record.link_routes(key)
        return self._routes[key]
