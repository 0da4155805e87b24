"""Alarm router: turns a chunk of events into the inputs of the alarms that they concern."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from nova.core.alarms.alarm_fold import AlarmInput
from nova.core.alarms.alarm_machine import AlarmAction
from nova.core.alarms.limit_book import LimitBook
from nova.core.derived.alarm_wiring import AlarmWiring
from nova.core.ordering import Timebase, series_of_event_key, time_of
from nova.core.query.alarm_inputs import (
    ACTION_TYPES,
    DecodedEvent,
    action_input,
    action_of,
    context_input,
    decode_event,
    value_at,
    value_input,
)
from nova.core.query.range_cursor import Hit
from nova.core.store.series_table import SeriesTable


class RoutedEvents:
    """What a chunk of events has for each alarm."""

    def __init__(self, wiring: AlarmWiring, limits: LimitBook) -> None:
        self._wiring = wiring
        self._limits = limits
        self.values: defaultdict[int, list[tuple[DecodedEvent, object]]] = defaultdict(list)
        self.contexts: defaultdict[int, list[tuple[DecodedEvent, object]]] = defaultdict(list)
        self.actions: defaultdict[int, list[tuple[DecodedEvent, AlarmAction]]] = defaultdict(list)

    def inputs(self, timebase: Timebase) -> Iterator[tuple[int, list[AlarmInput]]]:
        """The inputs of each alarm, in order."""
        names = self._wiring.names
        for number in sorted({*self.values, *self.contexts, *self.actions}):
            inputs = [
                value_input(event, names[number], self._limits, timebase, value)
                for event, value in self.values.get(number, ())
            ]
            inputs += (
                context_input(event, timebase, value)
                for event, value in self.contexts.get(number, ())
            )
            inputs += (
                action_input(event, timebase, action)
                for event, action in self.actions.get(number, ())
            )
            inputs.sort(key=lambda item: item[:2])
            yield number, inputs


class AlarmRouter:
    """Routes events by the wiring of alarms."""

    def __init__(self, table: SeriesTable, wiring: AlarmWiring, limits: LimitBook) -> None:
        self._table = table
        self._wiring = wiring
        self._limits = limits

    def concerns(self, number: int) -> bool:
        """Whether the events of a series may concern an alarm."""
        series = self._table.names[number]
        if series.lane == "metadata":
            return series.message_type in ACTION_TYPES
        return self._wiring.of_series(number) is not None

    def route(self, hits: Sequence[Hit]) -> RoutedEvents:
        """What the events have for alarms."""
        routed = RoutedEvents(self._wiring, self._limits)
        names = self._table.names
        for key, stored in hits:
            number = series_of_event_key(key)
            if names[number].lane == "metadata":
                if names[number].message_type in ACTION_TYPES:
                    self._route_action(routed, number, time_of(key), stored)
            else:
                self._route_values(routed, number, time_of(key), stored)
        return routed

    def _route_action(
        self, routed: RoutedEvents, number: int, canonical_ns: int, stored: bytes
    ) -> None:
        series = self._table.names[number]
        event = decode_event(canonical_ns, series, stored)
        found = action_of(series.message_type, event.body)
        if found is not None:
            for alarm in self._wiring.of_action(series, found.rule_id):
                routed.actions[alarm].append((event, found.action))

    def _route_values(
        self, routed: RoutedEvents, number: int, canonical_ns: int, stored: bytes
    ) -> None:
        wired = self._wiring.of_series(number)
        if wired is None:
            return
        event = decode_event(canonical_ns, self._table.names[number], stored)
        for path, alarms in wired.contexts.items():
            value = value_at(event.body, path)
            if value is not None:
                for alarm in alarms:
                    routed.contexts[alarm].append((event, value))
        for path, alarms in wired.values.items():
            value = value_at(event.body, path)
            if value is not None:
                for alarm in alarms:
                    routed.values[alarm].append((event, value))
