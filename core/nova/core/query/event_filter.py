"""Event filter: resolves a request's filters to sets of series numbers."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from nova.core.ordering import event_key_tail
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series
from nova.sdk.protocol.messages import Filters


class _CommandId(msgspec.Struct, rename="camel"):
    command_id: str | None = None


class EventFilter:
    """The filters of one request, evaluated once per series; new series are evaluated as they
    appear. Series outside of `visibility` match no filters.
    """

    def __init__(
        self, filters: Filters, table: SeriesTable, visibility: Visibility = EVERYTHING
    ) -> None:
        self._filters = filters
        self._is_empty = filters == Filters()
        self._visibility = visibility
        self._table = table
        self._evaluated = 0
        self._wanted: set[int] = set()
        self._numbers: list[int] = []
        self._key_suffixes: set[bytes] = set()
        self._scopes = None if filters.scope_ids is None else frozenset(filters.scope_ids)
        self._types = None if filters.message_types is None else frozenset(filters.message_types)
        self._lanes = None if filters.lanes is None else frozenset(filters.lanes)

    @property
    def visibility(self) -> Visibility:
        """The bounds beside the filters."""
        return self._visibility

    @property
    def matches_all(self) -> bool:
        """Whether the filters are empty and nothing is hidden."""
        return self._is_empty and self._visibility == EVERYTHING

    @property
    def hides_only_audit(self) -> bool:
        """Whether the filters are empty and nothing but the audit trail is hidden."""
        return self.matches_whole_entities and not self._visibility.sees_audit

    @property
    def matches_whole_entities(self) -> bool:
        """Whether of each entity all series match, or none does."""
        return self._is_empty and not self._visibility.is_limited

    def matches_number(self, number: int) -> bool:
        if number >= self._evaluated:
            self._evaluate_new()
        return number in self._wanted

    def numbers(self) -> list[int]:
        """The numbers of all wanted series that exist now, ascending."""
        self._evaluate_new()
        return self._numbers

    def matches_lane(self, scope_id: str, lane: str) -> bool:
        """Whether a wanted series is of this scope and lane."""
        names = self._table.names
        if self._lanes is not None and lane not in self._lanes:
            return False
        if self._scopes is not None and scope_id not in self._scopes:
            return False
        return any(names[n].scope_id == scope_id and names[n].lane == lane for n in self.numbers())

    @property
    def key_suffixes(self) -> set[bytes]:
        """The event key suffixes of the wanted series."""
        if self._evaluated < len(self._table.names):
            self._evaluate_new()
        return self._key_suffixes

    @property
    def accepts_all(self) -> bool:
        """Whether every event of a wanted series is wanted."""
        return self._filters.command_id is None

    def accepts(self, stored: bytes) -> bool:
        """Whether an event of a wanted series is itself wanted."""
        command_id = self._filters.command_id
        if command_id is None:
            return True
        return msgspec.json.decode(stored, type=_CommandId).command_id == command_id

    def _evaluate_new(self) -> None:
        """Evaluate the series added since; with a `uniqueId` filter only those of that unit."""
        names, unit = self._table.names, self._filters.unique_id
        if unit is None:
            new: Sequence[int] = range(self._evaluated, len(names))
        else:
            of_unit = self._table.of_unique_id(unit)
            new = of_unit[bisect_left(of_unit, self._evaluated) :]
        self._evaluated = len(names)
        wanted = [number for number in new if self.matches(names[number])]
        self._numbers += wanted
        self._wanted.update(wanted)
        self._key_suffixes.update(map(event_key_tail, wanted))

    def matches(self, series: Series) -> bool:
        """Whether the filters match a series with these names, and it may be seen."""
        filters = self._filters
        return (
            self._visibility.matches(series)
            and (self._scopes is None or series.scope_id in self._scopes)
            and (self._lanes is None or series.lane in self._lanes)
            and filters.system_id in (None, series.system_id)
            and filters.container_id in (None, series.container_id)
            and filters.unique_id in (None, series.unique_id)
            and (self._types is None or series.message_type in self._types)
            and filters.view_id in (None, series.view_id)
            and (filters.command_id is None or series.lane == "command")
        )
