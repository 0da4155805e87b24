"""The values that a definition's inputs had for events: last values, and aggregates of windows.

Windows are added up from the newest row to the oldest, one step for all events at once, so that the
result does not depend on how many events are looked at together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nova.core.definitions.definition import InputSpec
from nova.core.derivation.known_rows import KnownRows, LackingRowsError
from nova.core.query.field_values import FieldValuesPart
from nova.core.store.column import Mask
from nova.core.store.column_codec import Integers, Numbers
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

Windows = list[list[float]]


class InputColumn(NamedTuple):
    """A value for each event, and which events have one; `windows` instead of values where there is
    no aggregate.
    """

    values: Numbers
    has_value: Mask
    windows: Windows | None = None


def span_ns(spec: InputSpec) -> int | None:
    """How old a value may be, in ns; None if that does not matter."""
    spans = [spec.seconds, spec.max_age_s]
    found = [round(one * NS_PER_SECOND) for one in spans if one is not None]
    return min(found) if found else None


def input_column(
    rows: KnownRows, spec: InputSpec, times: Integers, arrivals: Integers
) -> InputColumn:
    """The column of an input for events with these source and canonical times."""
    lowest = _lowest(spec, times)
    while True:
        try:
            return _column(rows, spec, times, arrivals, lowest)
        except LackingRowsError:
            rows.extend()


def _lowest(spec: InputSpec, times: Integers) -> Integers:
    """The first source time of rows that count: a window of n seconds ends at its event."""
    lowest = np.full(len(times), NS_MIN, np.int64)
    for seconds, is_open in ((spec.seconds, 1), (spec.max_age_s, 0)):
        if seconds is not None:
            span = round(seconds * NS_PER_SECOND) - is_open
            lowest = np.maximum(lowest, np.maximum(times, NS_MIN + span) - span)
    return lowest


def _column(
    rows: KnownRows, spec: InputSpec, times: Integers, arrivals: Integers, lowest: Integers
) -> InputColumn:
    rows_max = spec.samples if spec.is_window else 1
    steps = rows.windows(times, arrivals, lowest, rows_max)
    if spec.is_window and spec.aggregate is None:
        windows: Windows = [[] for _ in range(len(times))]
        for events, places in steps:
            for event, value in zip(
                events.tolist(), rows.rows.values[places].tolist(), strict=True
            ):
                windows[event].append(value)
        has = np.array([bool(window) for window in windows], np.bool_)
        return InputColumn(np.zeros(len(times)), has, [window[::-1] for window in windows])
    folded = _WindowFold(len(times), rows.rows)
    for events, places in steps:
        folded.add(events, places)
    return folded.column(spec.aggregate or "oldest")


class _WindowFold:
    """The aggregates of windows, one for each event."""

    def __init__(self, events: int, rows: FieldValuesPart) -> None:
        self._rows = rows
        self._count = np.zeros(events, np.int64)
        self._sum = np.zeros(events)
        self._min, self._max = np.full(events, np.inf), np.full(events, -np.inf)
        self._newest, self._oldest = np.zeros(events, np.int64), np.zeros(events, np.int64)

    def add(self, events: Integers, places: Integers) -> None:
        """Add the next older row to the windows of some events."""
        values = self._rows.values[places]
        is_first = self._count[events] == 0
        self._newest[events[is_first]] = places[is_first]
        self._oldest[events] = places
        self._count[events] += 1
        self._sum[events] += values
        self._min[events] = np.minimum(self._min[events], values)
        self._max[events] = np.maximum(self._max[events], values)

    def column(self, aggregate: str) -> InputColumn:
        has = self._count > 0
        if not len(self._rows.times):
            return InputColumn(np.zeros(len(has)), has)
        with np.errstate(all="ignore"):
            if aggregate == "rate":
                span_s = self._at(self._rows.times) / NS_PER_SECOND
                return InputColumn(self._at(self._rows.values) / span_s, has & (span_s > 0))
            values = {
                "mean": self._sum / self._count,
                "min": self._min,
                "max": self._max,
                "sum": self._sum,
                "count": self._count.astype(np.float64),
                "oldest": self._rows.values[self._oldest],
                "change": self._at(self._rows.values),
            }[aggregate]
        return InputColumn(values, has)

    def _at(self, values: Numbers | Integers) -> Numbers:
        """Of each window, what the newest row has more than the oldest."""
        return (values[self._newest] - values[self._oldest]).astype(np.float64)
