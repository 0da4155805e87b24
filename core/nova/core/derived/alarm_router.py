"""Alarm router: finds in a chunk of events what concerns alarms."""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.alarms.limit_book import LimitBook
from nova.core.derived.alarm_chunk import AlarmChunk
from nova.core.derived.alarm_wiring import AlarmWiring
from nova.core.derived.chunk_series import ChunkSeries
from nova.core.ordering import series_of_event_key, time_of
from nova.core.query.alarm_inputs import ACTION_TYPES, action_of, decode_event
from nova.core.query.range_cursor import Hit
from nova.core.store.series_table import SeriesTable


class AlarmRouter:
    """Routes events by the wiring of alarms."""

    def __init__(self, table: SeriesTable, wiring: AlarmWiring, limits: LimitBook) -> None:
        self._table = table
        self._wiring = wiring
        self._limits = limits

    def route(self, chunk: ChunkSeries) -> AlarmChunk:
        """What the events have for alarms."""
        routed = AlarmChunk(self._table, self._wiring, self._limits)
        self._route_actions(routed, chunk.chosen(self._is_of_actions))
        values = chunk.chosen(self._has_values)
        if values:
            routed.add_values(values)
        return routed

    def _is_of_actions(self, number: int) -> bool:
        series = self._table.names[number]
        return series.lane == "metadata" and series.message_type in ACTION_TYPES

    def _has_values(self, number: int) -> bool:
        return self._wiring.of_series(number) is not None

    def _route_actions(self, routed: AlarmChunk, hits: Sequence[Hit]) -> None:
        for key, stored in hits:
            series = self._table.names[series_of_event_key(key)]
            event = decode_event(time_of(key), series, stored)
            found = action_of(series.message_type, event.body)
            if found is not None:
                for alarm in self._wiring.of_action(series, found.rule_id):
                    routed.actions[alarm].append((event, found.action))
