"""Event filter: resolves a request's filters to sets of series numbers."""

from __future__ import annotations

import msgspec

from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.series_selection import SeriesSelection
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series
from nova.sdk.protocol.messages import Filters


class _CommandId(msgspec.Struct, rename="camel"):
    command_id: str | None = None


class EventFilter:
    """The filters of one request; new series are evaluated as they appear. Series outside of
    `visibility` match no filters.
    """

    def __init__(
        self, filters: Filters, table: SeriesTable, visibility: Visibility = EVERYTHING
    ) -> None:
        self._filters = filters
        self._is_empty = filters == Filters()
        self._visibility = visibility
        self._table = table
        self._scopes = None if filters.scope_ids is None else frozenset(filters.scope_ids)
        self._types = None if filters.message_types is None else frozenset(filters.message_types)
        self._lanes = None if filters.lanes is None else frozenset(filters.lanes)
        # The same filters select the same series of a table, whoever sends them.
        self.key = (msgspec.json.encode(filters), visibility)
        """Equal for filters that select the same events of a table."""

        self._selection = table.selections.selection(
            self.key,
            lambda: SeriesSelection(table, self.matches, filters.unique_id),
        )

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
        return number in self._selection

    def numbers(self) -> list[int]:
        """The numbers of all wanted series that exist now, ascending."""
        return self._selection.numbers

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
        return self._selection.key_suffixes

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
