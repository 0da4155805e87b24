"""Series interned to numbers: what events share is named once (nova.md §2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from core.store.archive import Archive
from core.store.catalog import SERIES_PREFIX, decode_series, series_number
from core.store.scan import scan
from sdk.event import Series

EntityIds = tuple[str, str, str, str]
"""Scope, system, container and unique."""


class SeriesTable:
    """Series names by number and numbers by name, as far as they have been read or given out."""

    def __init__(self) -> None:
        self.names: list[Series] = []
        self.scopes: set[str] = set()
        self._numbers: dict[Series, int] = {}
        self._of_unit: defaultdict[str, list[int]] = defaultdict(list)
        self._of_entity: dict[EntityIds, list[int]] = {}
        self._entities: list[EntityIds] = []
        self._is_sorted = True

    def load(self, archive: Archive) -> None:
        """Read the series that the archive knows beyond those read before."""
        lower = SERIES_PREFIX + len(self.names).to_bytes(4, "big")
        for key, value in scan(archive.families["catalog"], lower, SERIES_PREFIX + b"\xff" * 4):
            self.learn(series_number(key), decode_series(value))

    def learn(self, number: int, series: Series) -> None:
        """Take in a series that the writer has numbered; they come in order, known ones are passed
        over.
        """
        if number == len(self.names):
            self.names.append(series)
            self.scopes.add(series.scope_id)
            self._numbers[series] = number
            self._of_unit[series.unique_id].append(number)
            ids = _entity_ids(series)
            of_entity = self._of_entity.get(ids)
            if of_entity is None:
                of_entity = self._of_entity[ids] = []
                self._entities.append(ids)
                self._is_sorted = False
            of_entity.append(number)

    def number(self, series: Series) -> int | None:
        """The number of a series, or None if it has none yet."""
        return self._numbers.get(series)

    def of_unit(self, unique_id: str) -> Sequence[int]:
        """The numbers of all series with this uniqueId, in their order."""
        return self._of_unit.get(unique_id, ())

    def entities(self) -> Sequence[EntityIds]:
        """All entities in the order of their ids."""
        if not self._is_sorted:
            self._entities.sort()
            self._is_sorted = True
        return self._entities

    def of_entity(self, ids: EntityIds) -> Sequence[int]:
        """The numbers of all series of an entity, in their order."""
        return self._of_entity[ids]

    def entity_of(self, number: int) -> EntityIds:
        """Whose series it is."""
        return _entity_ids(self.names[number])

    def intern(self, series: Series) -> tuple[int, bool]:
        """The number of a series, and whether it was given just now."""
        number = self._numbers.get(series)
        if number is not None:
            return number, False
        number = len(self.names)
        self.learn(number, series)
        return number, True


def _entity_ids(series: Series) -> EntityIds:
    return series.scope_id, series.system_id, series.container_id, series.unique_id
