"""Wishes: the capabilities of an entity's descriptor in effect, which may ask for a driver.

Files follow canonical time, so a wish does: it counts from its receipt on, and one that was told
ahead of its time as much later, when it changes what is bound without any news.
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
    """Of each entity that was asked for what its descriptors say, from now on."""

    def __init__(self, archive: Archive, table: SeriesTable) -> None:
        self._archive = archive
        self._table = table
        self._told: dict[EntityIds, History[Wish]] = {}
        self._due: list[tuple[int, EntityIds]] = []
        """When wishes come that were told ahead, the next one first."""

    def of(self, entity: EntityIds, now_ns: int) -> Wish:
        """The wish in effect."""
        history = self._history(entity)
        found = None if history is None else history.at(at("canonical", now_ns))
        return NOTHING if found is None else found.value

    def learn(self, entity: EntityIds, envelope: bytes, now_ns: int) -> bool:
        """Take in a descriptor that is about to be stored; whether it changes the wish in effect.
        Times never go back, so what is over is forgotten.
        """
        before = self.of(entity, now_ns)
        history = self._told.setdefault(entity, History())
        history.add(told_of(now_ns, envelope), _wish(envelope))
        history.forget_before(at("canonical", now_ns))
        self._expect(entity, history, now_ns)
        return self.of(entity, now_ns) != before

    def arrived(self, now_ns: int) -> Iterator[EntityIds]:
        """The entities whose wish has taken effect since this was asked last."""
        while self._due and self._due[0][0] <= now_ns:
            _, entity = heapq.heappop(self._due)
            self._expect(entity, self._told[entity], now_ns)
            yield entity

    def _expect(self, entity: EntityIds, history: History[Wish], now_ns: int) -> None:
        next_ns = history.next_ns("canonical", now_ns)
        if next_ns is not None:
            heapq.heappush(self._due, (next_ns, entity))

    def _history(self, entity: EntityIds) -> History[Wish] | None:
        """What an entity's descriptors have said, read when it is asked for first; most entities
        have none, and nothing is kept of them.
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
            place = key[len(tail) :] + tail
            stored = self._archive.get("canonical", place)
            if stored is None:
                continue  # Of an archive that lacks it others say so.
            canonical_ns = time_of(place)
            history.add(told_of(canonical_ns, stored), _wish(stored))
            history.forget_before(at("canonical", canonical_ns))

    @staticmethod
    def _newest_ns(history: History[Wish]) -> int:
        """When the last of what was read had been received."""
        return max((entry.told.canonical_ns for entry in history.entries("canonical")), default=0)


def _wish(envelope: bytes) -> Wish:
    return frozenset(_descriptors.decode(envelope).capabilities)
