"""The capabilities in effect of each entity, by its descriptors; a capability may request a driver.

Files follow canonical time, and so do capabilities: a descriptor takes effect on receipt. One that
is dated ahead takes effect that much later, and then changes a binding without a new event.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec

from core.effect.history import History, told_of
from core.effect.moment import at
from core.effect.published import DESCRIPTOR
from core.ordering import TIME_BYTES, time_of
from core.store.archive import Archive
from core.store.keys import series_bytes
from core.store.scan import scan
from core.store.series import EntityIds, SeriesTable
from sdk.event import Series

Wish = frozenset[str]
NOTHING: Wish = frozenset()


class _Descriptor(msgspec.Struct):
    capabilities: list[str]


_descriptors = msgspec.json.Decoder(_Descriptor)


class Wishes:
    """The capability history of each entity that was asked for."""

    def __init__(self, archive: Archive, table: SeriesTable) -> None:
        self._archive = archive
        self._table = table
        self._told: dict[EntityIds, History[Wish]] = {}
        self._due: list[tuple[int, EntityIds]] = []
        """A heap of the canonical times at which scheduled descriptors take effect."""

    def of(self, entity: EntityIds, now_ns: int) -> Wish:
        """The capabilities in effect; `now_ns` must not decrease."""
        history = self._history(entity)
        found = None if history is None else history.at(at("canonical", now_ns))
        return NOTHING if found is None else found.value

    def learn(self, entity: EntityIds, envelope: bytes, now_ns: int) -> bool:
        """Add a descriptor that is about to be stored; returns whether it changes the capabilities
        in effect. `now_ns` must not decrease, because past entries are dropped.
        """
        before = self.of(entity, now_ns)
        history = self._told.setdefault(entity, History())
        history.add(told_of(now_ns, envelope), _wish(envelope))
        history.forget_before(at("canonical", now_ns))
        self._expect(entity, history, now_ns)
        return self.of(entity, now_ns) != before

    def arrived(self, now_ns: int) -> Iterator[EntityIds]:
        """The entities with a scheduled descriptor that has taken effect since the last call."""
        while self._due and self._due[0][0] <= now_ns:
            _, entity = heapq.heappop(self._due)
            self._expect(entity, self._told[entity], now_ns)
            yield entity

    def _expect(self, entity: EntityIds, history: History[Wish], now_ns: int) -> None:
        next_ns = history.next_ns("canonical", now_ns)
        if next_ns is not None:
            heapq.heappush(self._due, (next_ns, entity))

    def _history(self, entity: EntityIds) -> History[Wish] | None:
        """The history of an entity, read from the archive on first use. None without descriptors;
        nothing is cached then, because that is the case for most entities.
        """
        known = self._told.get(entity)
        if known is not None:
            return known
        scope_id, system_id, container_id, unique_id = entity
        ids = (system_id, container_id, unique_id)
        number = self._table.number(Series(scope_id, "metadata", *ids, DESCRIPTOR, ""))
        if number is None:
            return None
        history = self._told[entity] = History()
        self._read(number, history)
        self._expect(entity, history, self._newest_ns(history))
        return history

    def _read(self, number: int, history: History[Wish]) -> None:
        tail = series_bytes(number)
        rows = scan(self._archive.families["series_canonical"], tail, tail + b"\xff" * TIME_BYTES)
        for key, _ in rows:
            event_key = key[len(tail) :] + tail
            stored = self._archive.get("canonical", event_key)
            if stored is None:
                continue  # The completeness proof reports an archive that lacks events.
            canonical_ns = time_of(event_key)
            history.add(told_of(canonical_ns, stored), _wish(stored))
            history.forget_before(at("canonical", canonical_ns))

    @staticmethod
    def _newest_ns(history: History[Wish]) -> int:
        """The latest receive time in a history, 0 if it is empty."""
        return max((entry.told.canonical_ns for entry in history.entries("canonical")), default=0)


def _wish(envelope: bytes) -> Wish:
    return frozenset(_descriptors.decode(envelope).capabilities)
