"""Alarm wiring: which alarms there are, and which of them an event concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from nova.core.query.alarm_inputs import path_of
from nova.core.store.alarm_store import AlarmName
from nova.core.store.series_table import SeriesTable
from nova.sdk.events.event import Series

Path = tuple[str, ...]
ActionTarget = tuple[str, str, str, str, str]
"""Scope, system, container and unique id, and the id of the rule."""


@dataclass(slots=True)
class WiredSeries:
    """The alarms that judge a field of a series, and those whose context it is, by path."""

    values: dict[Path, list[int]] = field(default_factory=dict)
    contexts: dict[Path, list[int]] = field(default_factory=dict)

    @property
    def is_idle(self) -> bool:
        return not self.values and not self.contexts


class AlarmWiring:
    """The alarms by number, series and target of actions."""

    def __init__(self, table: SeriesTable, names: Sequence[AlarmName]) -> None:
        self._table = table
        self.names: list[AlarmName] = []
        self._numbers: dict[AlarmName, int] = {}
        self._series: dict[Series, WiredSeries] = {}
        self._by_number: dict[int, WiredSeries] = {}
        self._targets: defaultdict[ActionTarget, list[int]] = defaultdict(list)
        self._of_rule: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._of_view: defaultdict[str, list[int]] = defaultdict(list)
        for name in names:
            self.add(name)

    def add(self, name: AlarmName) -> int | None:
        """Add an alarm; returns its number, None if there is one of this name."""
        if name in self._numbers:
            return None
        number = self._numbers[name] = len(self.names)
        self.names.append(name)
        values = self._wired(name.series).values
        values.setdefault(path_of(name), []).append(number)
        if name.context is not None:
            contexts = self._wired(name.context.series).contexts
            contexts.setdefault(tuple(name.context.field.split(".")), []).append(number)
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
