"""Calm alarms: those of one timebase that ignore most values, as arrays by the number of the alarm,
so that all values of a chunk are looked at together.

Between `after` and `until` the state of such an alarm is the same throughout. A value in there that
it ignores changes nothing, whenever it arrives. Of these only the times are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nova.core.alarms.alarm_fold import AlarmFold
from nova.core.alarms.rule_judge import EMPTY, Interval
from nova.core.store.column import Mask
from nova.core.store.column_codec import Integers, Numbers
from nova.sdk.timestamps import NS_MAX, NS_MIN


class SkippedInputs(NamedTuple):
    """Times in ns of inputs that an alarm ignored: the last one, and the last value with its source
    time; NS_MIN where there was none.
    """

    last_ns: int
    value_ns: int
    value_source_ns: int

    def of_values(self) -> SkippedInputs | None:
        """The same up to the last value; None if there was none."""
        return None if self.value_ns == NS_MIN else self._replace(last_ns=self.value_ns)


class CalmAlarms:
    """Grows with the alarms; an alarm that was not set is not calm."""

    def __init__(self, size: int = 0) -> None:
        self._after = np.full(size, NS_MAX, np.int64)
        self._until = np.full(size, NS_MIN, np.int64)
        self._bounds = np.tile(np.array([*EMPTY, *EMPTY], np.float64), (size, 1))
        self._last = np.full((size, 3), NS_MIN, np.int64)
        self._skipped = np.zeros(size, np.int64)
        self._is_out: Mask = np.zeros(size, np.bool_)

    def grow(self, size: int) -> None:
        """Have room for this many alarms."""
        missing = max(size, 2 * len(self._after)) - len(self._after)
        if size > len(self._after):
            more = CalmAlarms(missing)
            self._after = np.concatenate((self._after, more._after))
            self._until = np.concatenate((self._until, more._until))
            self._bounds = np.concatenate((self._bounds, more._bounds))
            self._last = np.concatenate((self._last, more._last))
            self._skipped = np.concatenate((self._skipped, more._skipped))
            self._is_out = np.concatenate((self._is_out, more._is_out))

    def clear(self) -> None:
        """No alarm is calm from now on."""
        self._after.fill(NS_MAX)
        self._last.fill(NS_MIN)
        self._skipped.fill(0)

    def set(self, number: int, after_ns: int, fold: AlarmFold, *, has_own_judge: bool) -> None:
        """An alarm was folded up to and with a time; `has_own_judge`: its values do not name what
        judges them.
        """
        self._last[number] = NS_MIN
        self._skipped[number] = 0
        self._is_out[number] = fold.alarm.rank > 0
        if not fold.is_calm:
            self._after[number] = NS_MAX
            return
        self._after[number] = after_ns
        self._until[number] = fold.calm_until_ns
        first: Interval = EMPTY
        second: Interval = EMPTY
        if has_own_judge:
            first, second = fold.ignored_between()
        self._bounds[number] = (*first, *second)

    def unset(self, number: int) -> None:
        """An alarm is not calm until it is set again."""
        self._after[number] = NS_MAX

    def is_within(self, number: int, time_ns: int) -> bool:
        """Whether the state of an alarm at a time is the present one."""
        return bool(self._after[number] < time_ns < self._until[number])

    def ignored(self, alarms: Integers, values: Numbers, times: Integers) -> Mask:
        """Which values are numbers that their alarms ignore."""
        low, high, other_low, other_high = self._bounds[alarms].T
        found: Mask = ((low < values) & (values < high)) | (
            (other_low < values) & (values < other_high)
        )
        found &= (self._after[alarms] < times) & (times < self._until[alarms])
        return found

    def skip(self, alarms: Integers, times: Integers, sources: Integers | None) -> None:
        """Keep the times of inputs that were ignored, and of values the source times."""
        if not len(alarms):
            return
        if bool((times[1:] < times[:-1]).any()):
            order = np.argsort(times, kind="stable")
            alarms, times = alarms[order], times[order]
            sources = None if sources is None else sources[order]
        later = times > self._last[alarms, 0]
        self._last[alarms[later], 0] = times[later]
        if sources is not None:
            later = times > self._last[alarms, 1]
            self._last[alarms[later], 1] = times[later]
            self._last[alarms[later], 2] = sources[later]
        self._skipped += np.bincount(alarms, minlength=len(self._skipped))

    def overdue(self, inputs: int) -> list[int]:
        """The alarms that ignored at least this many inputs since they were set or taken."""
        found: list[int] = np.flatnonzero(self._skipped >= inputs).tolist()
        return found

    def skipped_out_of_limits(self) -> list[int]:
        """The alarms out of limits that ignored inputs since they were set or taken."""
        found: list[int] = np.flatnonzero(self._is_out & (self._skipped > 0)).tolist()
        return found

    def take(self, number: int) -> SkippedInputs | None:
        """What an alarm has ignored since it was set or taken; None if nothing."""
        if not self._skipped[number]:
            return None
        taken = SkippedInputs(*self._last[number].tolist())
        self._last[number], self._skipped[number] = NS_MIN, 0
        return taken
