"""Alarm board: the abnormal alarms of the present in one timebase, and which alarms change.

Whatever is judged rewrites how far its alarm is folded, late data and new rules too. So an alarm
is examined when that row differs, or when something is due without an input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nova.core.alarms.alarm_fold import AlarmFold
from nova.core.ordering import Timebase
from nova.core.query.alarm_info import alarm_info, is_abnormal
from nova.core.query.alarm_view import AlarmView
from nova.core.query.followed_alarms import JudgedArchive
from nova.core.store.alarm_store import AlarmName, AlarmProgress
from nova.sdk.protocol.alarm_messages import AlarmInfo
from nova.sdk.timestamps import NS_MAX

BATCH_ALARMS = 200
"""Alarms examined before others have their turn."""


class ChangedAlarm(NamedTuple):
    """An alarm that has changed, as it is now."""

    number: int
    info: AlarmInfo


class AlarmBoard:
    """Follows the alarms of one database; begins anew with another."""

    def __init__(self, timebase: Timebase) -> None:
        self.timebase = timebase
        self.names: Sequence[AlarmName] = ()
        self.abnormal: dict[int, AlarmInfo] = {}
        self._seen: dict[int, AlarmProgress] = {}
        self._next_ns: dict[int, int] = {}
        """When an alarm changes without an input, if it ever does."""

        self._cursor_ns: int | None = None
        self._rules_ns = 0

    def update(self, judged: JudgedArchive, time_ns: int) -> Iterator[list[ChangedAlarm]]:
        """What has changed up to now, in batches. The board holds all of it after the last."""
        view, examined = judged.view, set[int]()
        is_other = view.names is not self.names or judged.rules_ns != self._rules_ns
        if view.names is not self.names:
            self._begin(view.names)
        if is_other or judged.cursor_ns != self._cursor_ns:
            yield from self._examine_rows(view, time_ns, examined, is_all=is_other)
        due = [one for one, at_ns in self._next_ns.items() if at_ns <= time_ns]
        yield from self._examine_due(view, time_ns, [one for one in due if one not in examined])
        self._cursor_ns, self._rules_ns = judged.cursor_ns, judged.rules_ns

    def _begin(self, names: Sequence[AlarmName]) -> None:
        self.names = names
        self.abnormal, self._seen, self._next_ns = {}, {}, {}

    def _examine_rows(
        self, view: AlarmView, time_ns: int, examined: set[int], *, is_all: bool
    ) -> Iterator[list[ChangedAlarm]]:
        for start in range(0, len(view.names), BATCH_ALARMS):
            part = range(start, min(start + BATCH_ALARMS, len(view.names)))
            found: list[ChangedAlarm] = []
            for number, progress in zip(part, view.progress(self.timebase, part), strict=True):
                if progress is not None and (is_all or self._seen.get(number) != progress):
                    examined.add(number)
                    found += self._examine(view, number, progress, time_ns)
            yield found

    def _examine_due(
        self, view: AlarmView, time_ns: int, due: Sequence[int]
    ) -> Iterator[list[ChangedAlarm]]:
        for start in range(0, len(due), BATCH_ALARMS):
            found: list[ChangedAlarm] = []
            for number in due[start : start + BATCH_ALARMS]:
                found += self._examine(view, number, self._seen[number], time_ns)
            yield found

    def _examine(
        self, view: AlarmView, number: int, progress: AlarmProgress, time_ns: int
    ) -> Iterator[ChangedAlarm]:
        """The alarm, if it differs from what the board has."""
        fold = view.advanced(self.timebase, number, progress, time_ns)
        self._seen[number] = progress
        self._await(number, fold)
        name = view.names[number]
        rule = view.rules.rule_at(name, self.timebase, time_ns)
        info = alarm_info(name, rule, fold.alarm)
        before = self.abnormal.get(number)
        if is_abnormal(fold.alarm):
            self.abnormal[number] = info
        elif before is None:
            return
        else:
            del self.abnormal[number]
        if info != before:
            yield ChangedAlarm(number, info)

    def _await(self, number: int, fold: AlarmFold) -> None:
        if fold.next_ns <= NS_MAX:
            self._next_ns[number] = fold.next_ns
        else:
            self._next_ns.pop(number, None)
