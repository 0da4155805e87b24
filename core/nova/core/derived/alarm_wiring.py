"""Alarm wiring: which alarms there are, and which of them an event concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from nova.core.query.alarm_inputs import path_of
from nova.core.store.alarm_store import AlarmName
from nova.core.store.column_codec import Integers
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series

Path = tuple[str, ...]
NO_ALARM = -1

ActionTarget = tuple[str, str, str, str, str]
"""Scope, system, container and unique id, and the id of the rule."""


@dataclass(slots=True)
class WiredSeries:
    """The alarms that judge a field of a series, and those whose context it is, by path."""

    values: dict[Path, list[int]] = field(default_factory=dict)
    contexts: dict[Path, list[int]] = field(default_factory=dict)
    decoded: dict[Path, list[int]] = field(default_factory=dict)
    """Of `values` those that no column is sure to have."""

    @property
    def is_idle(self) -> bool:
        return not self.values and not self.contexts


class AlarmWiring:
    """The alarms by number, series and target of actions."""

    def __init__(self, table: SeriesTable, names: Sequence[AlarmName]) -> None:
        self._table = table
        self.names: list[AlarmName] = []
        self.paths: list[Path] = []
        self.context_paths: list[Path] = []
        self._numbers: dict[AlarmName, int] = {}
        self._series: dict[Series, WiredSeries] = {}
        self._by_number: dict[int, WiredSeries] = {}
        self._targets: defaultdict[ActionTarget, list[int]] = defaultdict(list)
        self._of_rule: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._of_view: defaultdict[str, list[int]] = defaultdict(list)
        self._in_column: defaultdict[str, list[tuple[Series, int]]] = defaultdict(list)
        self._layers: dict[str, list[Integers]] = {}
        for name in names:
            self.add(name)

    def add(self, name: AlarmName) -> int | None:
        """Add an alarm; returns its number, None if there is one of this name."""
        if name in self._numbers:
            return None
        number = self._numbers[name] = len(self.names)
        self.names.append(name)
        path = path_of(name)
        self.paths.append(path)
        wired = self._wired(name.series)
        wired.values.setdefault(path, []).append(number)
        if is_of_column(name.series, path):
            self._in_column[path[0]].append((name.series, number))
            self._layers.pop(path[0], None)
        else:
            wired.decoded.setdefault(path, []).append(number)
        self.context_paths.append(())
        if name.context is not None:
            context_path = tuple(name.context.field.split("."))
            self.context_paths[number] = context_path
            contexts = self._wired(name.context.series).contexts
            contexts.setdefault(context_path, []).append(number)
        of = name.series
        target = (of.scope_id, of.system_id, of.container_id, of.unique_id, name.rule_id)
        self._targets[target].append(number)
        if name.rule_scope:
            self._of_rule[name.rule_scope, name.rule_id].append(number)
        else:
            self._of_view[of.view_id].append(number)
        return number

    def _wired(self, series: Series) -> WiredSeries:
        wired = self._series.get(series)
        if wired is None:
            wired = self._series[series] = WiredSeries()
            self._by_number.clear()
        return wired

    def of_series(self, number: int) -> WiredSeries | None:
        """What the events of a series concern; None if nothing."""
        wired = self._by_number.get(number)
        if wired is None:
            wired = self._series.get(self._table.names[number]) or WiredSeries()
            self._by_number[number] = wired
        return None if wired.is_idle else wired

    def layers(self, column: str) -> Sequence[Integers]:
        """The alarms that judge a field of the payload, in arrays by series number, of which each
        has one alarm of a series at most; NO_ALARM elsewhere.
        """
        wired = self._in_column.get(column)
        if wired is None:
            return ()
        size = len(self._table.names)
        layers = self._layers.get(column)
        if layers is None or len(layers[0]) < size:
            layers = self._layers[column] = self._made_layers(wired, size)
        return layers

    def _made_layers(self, wired: Sequence[tuple[Series, int]], size: int) -> list[Integers]:
        layers: list[Integers] = [np.full(size, NO_ALARM, np.int64)]
        used: defaultdict[int, int] = defaultdict(int)
        for series, alarm in wired:
            number = self._table.number(series)
            if number is None:
                continue
            layer = used[number]
            used[number] += 1
            if layer == len(layers):
                layers.append(np.full(size, NO_ALARM, np.int64))
            layers[layer][number] = alarm
        return layers

    def of_action(self, series: Series, rule_id: str) -> Sequence[int]:
        """The alarms that an action on an entity and a rule concerns."""
        ids = (series.scope_id, series.system_id, series.container_id, series.unique_id)
        return self._targets.get((*ids, rule_id), ())

    def of_rule(self, rule_scope: str, rule_id: str) -> Sequence[int]:
        """The alarms of a rule."""
        return self._of_rule.get((rule_scope, rule_id), ())

    def of_view(self, view_id: str) -> Sequence[int]:
        """The alarms of the limits of a view, of all entities."""
        return self._of_view.get(view_id, ())

    def new(self, names: Iterable[AlarmName]) -> list[int]:
        """Add alarms; returns the numbers of those that are new."""
        return [number for name in names if (number := self.add(name)) is not None]


def is_of_column(series: Series, path: Path) -> bool:
    """Whether the columns of events are sure to have a field of this path and no other under its
    name. View updates also name what judges them, which is in no column.
    """
    return series.lane == "parsed" and len(path) == 1 and "." not in path[0]
