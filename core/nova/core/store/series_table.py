"""Interns series to numbers, so that the names that events share are stored once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from nova.core.ordering import event_key_tail
from nova.core.store.archive import Archive
from nova.core.store.series_selection import KeptSelections
from nova.sdk.events.event import Series
from nova.sdk.events.reserved import is_audit

EntityIds = tuple[str, str, str, str]
"""Scope, system, container and unique id."""


class SeriesTable:
    """The series of an archive by number, name, uniqueId and entity; numbers are contiguous."""

    def __init__(self) -> None:
        self.names: list[Series] = []
        self.scopes: set[str] = set()
        self.audit_numbers: list[int] = []
        """The series of the audit trail, ascending."""

        self.audit_suffixes: set[bytes] = set()
        """The same as the ends of their events' keys."""

        self.selections = KeptSelections()
        self._numbers: dict[Series, int] = {}
        self._of_unique_id: defaultdict[str, list[int]] = defaultdict(list)
        self._of_entity: dict[EntityIds, list[int]] = {}
        self._entities: list[EntityIds] = []
        self._is_sorted = True

    def load(self, archive: Archive) -> None:
        """Read the archive's series that were added since the last call."""
        for number, series in archive.record.series(len(self.names)):
            self.add(number, series)

    def add(self, number: int, series: Series) -> None:
        """Add a series that the writer has numbered. Numbers arrive in order; known ones are
        ignored.
        """
        if number == len(self.names):
            self.names.append(series)
            self.scopes.add(series.scope_id)
            if is_audit(series):
                self.audit_numbers.append(number)
                self.audit_suffixes.add(event_key_tail(number))
            self._numbers[series] = number
            self._of_unique_id[series.unique_id].append(number)
            ids = _entity_ids(series)
            of_entity = self._of_entity.get(ids)
            if of_entity is None:
                of_entity = self._of_entity[ids] = []
                self._entities.append(ids)
                self._is_sorted = False
            of_entity.append(number)

    def number(self, series: Series) -> int | None:
        """None if the series has no number yet."""
        return self._numbers.get(series)

    def numbers(self, names: Sequence[Series]) -> list[int | None]:
        """`number` of each series."""
        return list(map(self._numbers.get, names))

    def of_unique_id(self, unique_id: str) -> Sequence[int]:
        """The numbers of all series with this uniqueId, ascending."""
        return self._of_unique_id.get(unique_id, ())

    def entities(self) -> Sequence[EntityIds]:
        """All entities, sorted by their ids."""
        if not self._is_sorted:
            self._entities.sort()
            self._is_sorted = True
        return self._entities

    def has_entity(self, ids: EntityIds) -> bool:
        """Whether an entity has any series."""
        return ids in self._of_entity

    def of_entity(self, ids: EntityIds) -> Sequence[int]:
        """The numbers of all series of an entity, ascending."""
        return self._of_entity[ids]

    def entity_of(self, number: int) -> EntityIds:
        return _entity_ids(self.names[number])

    def intern(self, series: Series) -> tuple[int, bool]:
        """The number of a series, and whether this call assigned it."""
        number = self._numbers.get(series)
        if number is not None:
            return number, False
        number = len(self.names)
        self.add(number, series)
        return number, True


def _entity_ids(series: Series) -> EntityIds:
    return series.scope_id, series.system_id, series.container_id, series.unique_id
