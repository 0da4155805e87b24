"""The capabilities in effect of each entity, by its descriptors; a capability may request a driver.

Files follow canonical time, and so do capabilities: a descriptor takes effect on receipt. One that
is dated ahead takes effect that much later, and then changes a binding without a new event.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec

from nova.core.effect.history import History, event_times
from nova.core.effect.moment import moment_at
from nova.core.effect.published import DESCRIPTOR_TYPE
from nova.core.ordering import time_of
from nova.core.store.archive import Archive
from nova.core.store.series_table import EntityIds, SeriesTable
from nova.sdk.events.event import Series

Capabilities = frozenset[str]
NO_CAPABILITIES: Capabilities = frozenset()


class _CapabilityFields(msgspec.Struct):
    capabilities: list[str]


_capability_decoder = msgspec.json.Decoder(_CapabilityFields)


class EntityCapabilities:
    """The capability history of each entity that was asked for."""

    def __init__(self, archive: Archive, table: SeriesTable) -> None:
        self._archive = archive
        self._table = table
        self._histories: dict[EntityIds, History[Capabilities]] = {}
        self._scheduled: list[tuple[int, EntityIds]] = []
        """A heap of the canonical times at which scheduled descriptors take effect."""

    def capabilities_of(self, entity: EntityIds, now_ns: int) -> Capabilities:
        """The capabilities in effect; `now_ns` must not decrease."""
        history = self._history(entity)
        found = None if history is None else history.entry_at(moment_at("canonical", now_ns))
        return NO_CAPABILITIES if found is None else found.value

    def add_descriptor(self, entity: EntityIds, envelope: bytes, now_ns: int) -> bool:
        """Add a descriptor that is about to be stored; returns whether it changes the capabilities
        in effect. `now_ns` must not decrease, because past entries are dropped.
        """
        before = self.capabilities_of(entity, now_ns)
        history = self._histories.setdefault(entity, History())
        history.add(event_times(now_ns, envelope), _read_capabilities(envelope))
        history.drop_before(moment_at("canonical", now_ns))
        self._schedule(entity, history, now_ns)
        return self.capabilities_of(entity, now_ns) != before

    def newly_effective(self, now_ns: int) -> Iterator[EntityIds]:
        """The entities with a scheduled descriptor that has taken effect since the last call."""
        while self._scheduled and self._scheduled[0][0] <= now_ns:
            _, entity = heapq.heappop(self._scheduled)
            self._schedule(entity, self._histories[entity], now_ns)
            yield entity

    def _schedule(self, entity: EntityIds, history: History[Capabilities], now_ns: int) -> None:
        next_ns = history.next_effect_ns("canonical", now_ns)
        if next_ns is not None:
            heapq.heappush(self._scheduled, (next_ns, entity))

    def _history(self, entity: EntityIds) -> History[Capabilities] | None:
        """The history of an entity, read from the archive on first use. None without descriptors;
        nothing is cached then, because that is the case for most entities.
        """
        known = self._histories.get(entity)
        if known is not None:
            return known
        scope_id, system_id, container_id, unique_id = entity
        ids = (system_id, container_id, unique_id)
        number = self._table.number(Series(scope_id, "metadata", *ids, DESCRIPTOR_TYPE, ""))
        if number is None:
            return None
        history = self._histories[entity] = History()
        self._read(number, history)
        self._schedule(entity, history, self._newest_ns(history))
        return history

    def _read(self, number: int, history: History[Capabilities]) -> None:
        for event_key in self._archive.series.event_keys(number):
            stored = self._archive.events.envelope(event_key)
            if stored is None:
                continue  # The completeness proof reports an archive that lacks events.
            canonical_ns = time_of(event_key)
            history.add(event_times(canonical_ns, stored), _read_capabilities(stored))
            history.drop_before(moment_at("canonical", canonical_ns))

    @staticmethod
    def _newest_ns(history: History[Capabilities]) -> int:
        """The latest receive time in a history, 0 if it is empty."""
        return max((entry.times.canonical_ns for entry in history.entries("canonical")), default=0)


def _read_capabilities(envelope: bytes) -> Capabilities:
    return frozenset(_capability_decoder.decode(envelope).capabilities)
