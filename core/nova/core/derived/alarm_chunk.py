"""Alarm chunk: the values, contexts and actions that a chunk of events has for alarms.

Numbers of fields that columns have are in an array; other values are decoded from their event: of
fields that are in no column at once, else when they are asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from nova.core.alarms.alarm_fold import AlarmInput
from nova.core.alarms.alarm_machine import AlarmAction
from nova.core.alarms.limit_book import LimitBook
from nova.core.derived.alarm_wiring import NO_ALARM, AlarmWiring, Path
from nova.core.ordering import Timebase, series_of_event_key, time_of
from nova.core.query.alarm_inputs import (
    DecodedEvent,
    action_input,
    context_input,
    decode_event,
    value_at,
    value_input,
)
from nova.core.query.event_key import event_series, event_times
from nova.core.query.field_columns import field_columns
from nova.core.query.range_cursor import Hit
from nova.core.store.column_codec import Integers, Numbers
from nova.core.store.series_table import SeriesTable

_NONE: Final[Integers] = np.empty(0, np.int64)


class ChunkInputs:
    """Inputs of one kind: of each the alarm and the place of its event; `numbers`: NaN where the
    value is not known as a number.
    """

    def __init__(self) -> None:
        self.alarms = self.rows = _NONE
        self.numbers: Numbers = np.empty(0, np.float64)
        self.known: dict[int, object] = {}
        """Decoded values by the place of their input."""

        self._parts: list[tuple[Integers, Integers, Numbers]] = []
        self._count = 0

    def add(self, alarms: Integers, rows: Integers, numbers: Numbers) -> None:
        self._parts.append((alarms, rows, numbers))
        self._count += len(alarms)

    def add_decoded(self, alarms: Sequence[int], row: int, value: object) -> None:
        """Add one value for several alarms."""
        for place in range(self._count, self._count + len(alarms)):
            self.known[place] = value
        count = len(alarms)
        self.add(np.array(alarms, np.int64), np.full(count, row), np.full(count, np.nan))

    def join(self) -> None:
        """Make arrays of what was added."""
        if self._parts:
            parts = zip(*self._parts, strict=True)
            self.alarms, self.rows, self.numbers = (np.concatenate(part) for part in parts)
        self._parts.clear()


class AlarmChunk:
    """What a chunk of events has for alarms."""

    def __init__(self, table: SeriesTable, wiring: AlarmWiring, limits: LimitBook) -> None:
        self._names = table.names
        self._wiring = wiring
        self._limits = limits
        self._hits: Sequence[Hit] = ()
        self._events: dict[int, DecodedEvent] = {}
        self.times: dict[Timebase, Integers] = {"source": _NONE, "canonical": _NONE}
        """Of the events with values, by place."""

        self.values, self.contexts = ChunkInputs(), ChunkInputs()
        self.actions: defaultdict[int, list[tuple[DecodedEvent, AlarmAction]]] = defaultdict(list)

    def add_values(self, hits: Sequence[Hit]) -> None:
        """Add the events that have values."""
        self._hits = hits
        keys, stored = zip(*hits, strict=True)
        source, fields = field_columns(stored)
        self.times = {"source": source, "canonical": event_times(keys)}
        series = event_series(keys)
        for field, found in fields.items():
            column = found.column
            rows = np.arange(len(hits)) if column.rows is None else column.rows
            for layer in self._wiring.layers(field.path):
                alarms = layer[series[rows]]
                has = alarms != NO_ALARM
                numbers = np.full(len(rows), np.nan) if field.is_text else column.values
                self.values.add(alarms[has], rows[has], numbers[has])
        self._add_paths(series)
        self.values.join()
        self.contexts.join()

    def _add_paths(self, series: Integers) -> None:
        """Add what is decoded from its event."""
        for number in np.unique(series).tolist():
            wired = self._wiring.of_series(number)
            if wired is None or not (wired.decoded or wired.contexts):
                continue
            for row in np.flatnonzero(series == number).tolist():
                self._add_decoded(self.contexts, row, wired.contexts)
                self._add_decoded(self.values, row, wired.decoded)

    def _add_decoded(self, inputs: ChunkInputs, row: int, wired: dict[Path, list[int]]) -> None:
        for path, alarms in wired.items():
            value = value_at(self.event(row).body, path)
            if value is not None:
                inputs.add_decoded(alarms, row, value)

    def event(self, row: int) -> DecodedEvent:
        """An event with values, by its place."""
        found = self._events.get(row)
        if found is None:
            key, stored = self._hits[row]
            series = self._names[series_of_event_key(key)]
            found = self._events[row] = decode_event(time_of(key), series, stored)
        return found

    def value(self, place: int) -> object:
        """A value as its event has it."""
        inputs = self.values
        if place not in inputs.known:
            body = self.event(int(inputs.rows[place])).body
            inputs.known[place] = value_at(body, self._wiring.paths[inputs.alarms[place]])
        return inputs.known[place]

    def inputs(
        self, timebase: Timebase, alarms: set[int]
    ) -> Iterator[tuple[int, list[AlarmInput]]]:
        """The inputs of these alarms, in order."""
        found: defaultdict[int, list[AlarmInput]] = defaultdict(list)
        names = self._wiring.names
        wanted = np.array(sorted(alarms), np.int64)
        for place in np.flatnonzero(np.isin(self.values.alarms, wanted)).tolist():
            number, event = int(self.values.alarms[place]), self.event(self.values.rows[place])
            value = self.value(place)
            found[number].append(value_input(event, names[number], self._limits, timebase, value))
        for place in np.flatnonzero(np.isin(self.contexts.alarms, wanted)).tolist():
            number, event = int(self.contexts.alarms[place]), self.event(self.contexts.rows[place])
            found[number].append(context_input(event, timebase, self.contexts.known[place]))
        for number in alarms & self.actions.keys():
            found[number] += [
                action_input(event, timebase, action) for event, action in self.actions[number]
            ]
        for number in sorted(found):
            found[number].sort(key=lambda item: item[:2])
            yield number, found[number]
