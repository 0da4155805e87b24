"""Which events a request wants: filters turned into sets of series numbers and lanes."""

from __future__ import annotations

import msgspec

from core.store.series import SeriesTable
from sdk.event import Series
from sdk.protocol import Filters

MERGE_MAX_SERIES = 32
"""Up to here the series' own indexes are merged; beyond, the whole timeline is scanned."""


class _Commanded(msgspec.Struct, rename="camel"):
    command_id: str | None = None


class Selection:
    """The filters of one request, asked per series number; series that are made later are judged
    too.
    """

    def __init__(self, filters: Filters, table: SeriesTable) -> None:
        self._filters = filters
        self._table = table
        self._judged: list[bool] = []
        self._matching: list[int] = []
        self._scopes = None if filters.scope_ids is None else frozenset(filters.scope_ids)
        self._types = None if filters.message_types is None else frozenset(filters.message_types)
        self._lanes = None if filters.lanes is None else frozenset(filters.lanes)

    @property
    def everything(self) -> bool:
        """Whether no event is left out."""
        return self._filters == Filters()

    def has(self, number: int) -> bool:
        """Whether a series is wanted."""
        if number >= len(self._judged):
            self._judge()
        return self._judged[number]

    def numbers(self) -> list[int]:
        """All wanted series that exist by now."""
        self._judge()
        return self._matching

    def merged(self) -> list[int] | None:
        """The few series whose indexes are worth merging, or None where a scan is better."""
        narrow = self._filters
        if not any(
            (narrow.system_id, narrow.container_id, narrow.unique_id, narrow.view_id, self._types)
        ):
            return None
        numbers = self.numbers()
        return numbers if len(numbers) <= MERGE_MAX_SERIES else None

    def accepts(self, stored: bytes) -> bool:
        """Whether an event of a wanted series is itself wanted."""
        command_id = self._filters.command_id
        if command_id is None:
            return True
        return msgspec.json.decode(stored, type=_Commanded).command_id == command_id

    def _judge(self) -> None:
        for number in range(len(self._judged), len(self._table.names)):
            wanted = self._wants(self._table.names[number])
            self._judged.append(wanted)
            if wanted:
                self._matching.append(number)

    def _wants(self, series: Series) -> bool:
        filters = self._filters
        return (
            (self._scopes is None or series.scope_id in self._scopes)
            and (self._lanes is None or series.lane in self._lanes)
            and filters.system_id in (None, series.system_id)
            and filters.container_id in (None, series.container_id)
            and filters.unique_id in (None, series.unique_id)
            and (self._types is None or series.message_type in self._types)
            and filters.view_id in (None, series.view_id)
            and (filters.command_id is None or series.lane == "command")
        )
