"""The Producer for programs without an event loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nova.sdk.blocking.blocking_facade import BlockingFacade
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.transport.base import Receipt, Record, connect


class BlockingProducer(BlockingFacade[Producer]):
    """A `Producer` whose methods return when they are done; it owns its transport.

    Several threads may publish at once. `observe` and `ui` assign times, so call them from one
    thread at a time.
    """

    def __init__(
        self,
        url: str,
        scope_id: str,
        *,
        retry: Retry | None = None,
        manifests: Sequence[CardManifest] | None = None,
    ) -> None:
        async def opened() -> Producer:
            return Producer(connect(url), scope_id, retry=retry, manifests=manifests)

        super().__init__(opened())

    def observe(self, entity: Entity, at_ns: int | None = None) -> Observation:
        """An instant of an entity: the given time, or now (strictly growing)."""
        return self._opened.observe(entity, at_ns)

    def ui(
        self, entity: Entity, view_id: str, data: Mapping[str, object], at_ns: int | None = None
    ) -> Event:
        """An update of a view at a time, checked against the view's manifest."""
        return self._opened.ui(entity, view_id, data, at_ns)

    def send(self, events: Iterable[Event]) -> Receipt:
        """Publish events in order; returns once all are durable."""
        return self._thread.run(self._opened.send(events))

    def publish(self, records: Sequence[Record]) -> Receipt:
        """Publish records in order, in batches. Raises TransportError after the deadline of
        `retry`, which by default never comes.
        """
        return self._thread.run(self._opened.publish(records))
