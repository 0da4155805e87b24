"""Folds what concerns one alarm, in the order of a timebase: rules, values, contexts and actions,
and what ends by itself between them.

At one instant rules come first, then events in their order, then what ends by itself. A state at T
is therefore a function of the events up to and with T, and of T.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from nova.core.alarms.alarm_machine import Alarm, AlarmAction
from nova.core.alarms.rule_judge import (
    EMPTY,
    EVERYTHING,
    Interval,
    RuleJudge,
    value_key,
)
from nova.core.ordering import TIME_BYTES, time_key
from nova.sdk.protocol.alarm_messages import AlarmChangeName
from nova.sdk.timestamps import NS_MAX, NS_MIN

ID_HEAD_BYTES = 16
POSITION_BYTES = TIME_BYTES + 2 + ID_HEAD_BYTES
_OF_RULE, _OF_EVENT, _BY_ITSELF = b"\0", b"\1", b"\2"
_NO_ID = bytes(ID_HEAD_BYTES)
_JUDGED_AGAIN = b"\xfe"
"""Appended to the position of what enabled an alarm: the change by the value that it had."""

BEFORE_ALL = b""

InputKind = Literal[0, 1, 2]
CONTEXT: Final = 0
VALUE: Final = 1
ACTION: Final = 2


class AlarmInput(NamedTuple):
    """One input of a fold. Of one event, its context is before its value. That of `enable` has the
    last value before it, with its source time, as that one is judged again.
    """

    position: bytes
    kind: InputKind
    time_ns: int
    source_ns: int
    event_id: bytes
    value: object = None
    """A value of the field or of the context; of `enable` the last one of the field."""

    action: AlarmAction | None = None
    judge: RuleJudge | None = None
    """What judges the value, where the event itself names it."""


class RuleVersions(NamedTuple):
    """The judges of a rule for one series (None: it does not apply), by their times of effect."""

    times_ns: Sequence[int]
    judges: Sequence[RuleJudge | None]

    def in_effect(self, time_ns: int) -> int:
        """How many have taken effect by a time."""
        return bisect_right(self.times_ns, time_ns)


NO_VERSIONS = RuleVersions((), ())
"""Of alarms whose events name what judges them."""


class Transition(msgspec.Struct, array_like=True):
    """A change of an alarm, and its state after it. `event_id` is that of the event that caused it,
    empty for a rule and for what ended by itself.
    """

    position: bytes
    change: AlarmChangeName
    alarm: Alarm
    event_id: bytes = b""

    @property
    def time_ns(self) -> int:
        return self.alarm.time_ns


def event_position(time_ns: int, lane: int, event_id: bytes) -> bytes:
    """The position of an event among all that concerns an alarm."""
    return time_key(time_ns) + _OF_EVENT + bytes((lane,)) + event_id[:ID_HEAD_BYTES]


def first_position(time_ns: int) -> bytes:
    """The position before everything at a time."""
    return time_key(time_ns)


def last_position(time_ns: int) -> bytes:
    """The position after everything at a time."""
    return time_key(time_ns) + b"\xff"


class AlarmFold:
    """An alarm with the versions of its rule; `transitions` collects its changes."""

    def __init__(self, alarm: Alarm, versions: RuleVersions) -> None:
        self.alarm = alarm
        self.transitions: list[Transition] = []
        self.use(versions)

    def use(self, versions: RuleVersions) -> None:
        """Continue with these versions, which are the same ones up to the alarm's time."""
        self._versions = versions
        self._next = versions.in_effect(self.alarm.time_ns)
        self.judge = versions.judges[self._next - 1] if self._next else None
        self._next_ns = self._time_of_next()
        self._due = self.alarm.due(self.judge)
        self.has_staleness = any(one is not None and one.stale_ns for one in versions.judges)

    def _time_of_next(self) -> int:
        times_ns = self._versions.times_ns
        return times_ns[self._next] if self._next < len(times_ns) else NS_MAX + 1

    @property
    def next_ns(self) -> int:
        """When something happens next without an input: a rule takes effect, or something ends."""
        return min(self._next_ns, self._due[0])

    def add(self, item: AlarmInput) -> None:
        """Apply the next input, in order."""
        time_ns = item.time_ns
        if self._next_ns <= time_ns or self._due[0] < time_ns:
            self._advance(time_ns, time_ns)
        alarm = self.alarm
        if item.kind == VALUE:
            if item.judge is not None:
                self.judge = item.judge
            change = alarm.apply_value(self.judge, item.value, time_ns, item.source_ns)
        elif item.kind == CONTEXT:
            change = alarm.apply_context(self.judge, item.value, time_ns)
        else:
            assert item.action is not None
            change = alarm.apply_action(self.judge, item.action, time_ns)
        if change is not None:
            self._record(item.position, change, item.event_id)
            if change == "enabled":
                self._judge_again(item)
        self._due = alarm.due(self.judge)

    def _judge_again(self, item: AlarmInput) -> None:
        """Judge the last value before an alarm was enabled, as if it came now. A rate needs two
        values since then.
        """
        judge = self.judge = item.judge or self.judge
        if item.value is None or judge is None or judge.is_rate:
            return
        change = self.alarm.apply_value(judge, item.value, item.time_ns, item.source_ns)
        if change is not None:
            self._record(item.position + _JUDGED_AGAIN, change, item.event_id)

    # --- values that change nothing ---------------------------------------------------------------

    @property
    def is_calm(self) -> bool:
        """Whether a value that it `ignores` changes nothing but times, wherever it is in the order
        between the alarm's time and `calm_until_ns`.
        """
        alarm, judge = self.alarm, self.judge
        if self.has_staleness or alarm.pending:
            return False
        return judge is None or not judge.is_rate or not alarm.judges(judge)

    @property
    def calm_until_ns(self) -> int:
        """Before this time no rule takes effect and nothing ends by itself."""
        return min(self._next_ns, self._due[0], NS_MAX)

    def ignores(self, value: object, judge: RuleJudge | None = None) -> bool:
        """Whether a value changes nothing but times; `judge`: as in an input."""
        used, alarm = self.judge, self.alarm
        if judge is not None and judge is not used:
            return False
        if used is None or not alarm.judges(used):
            return True
        rank = used.verdict(value, alarm.rank)
        return rank is None or rank == alarm.rank

    def ignores_context(self, value: object) -> bool:
        """Whether a value of the context is what it is already."""
        known = self.alarm.context
        return known is not None and value_key(value) == value_key(known)

    def ignored_between(self) -> tuple[Interval, Interval]:
        """Two intervals: it ignores the numbers strictly within one of them."""
        judge = self.judge
        if judge is None or not self.alarm.judges(judge):
            return EVERYTHING, EMPTY
        return judge.kept_between(self.alarm.rank)

    def skip(self, time_ns: int, value_ns: int, source_ns: int) -> None:
        """Apply the times of inputs that it ignored: that of the last one, and those of the last
        value; NS_MIN if there was none.
        """
        alarm = self.alarm
        alarm.time_ns = max(alarm.time_ns, time_ns)
        if value_ns > NS_MIN and (alarm.fresh_ns is None or value_ns > alarm.fresh_ns):
            alarm.fresh_ns, alarm.fresh_source_ns = value_ns, source_ns

    # --- time -------------------------------------------------------------------------------------

    def advance(self, time_ns: int) -> None:
        """Apply what ends by itself, and rules that take effect, up to and with a time."""
        self._advance(time_ns, time_ns + 1)

    def _advance(self, rules_until_ns: int, due_before_ns: int) -> None:
        while True:
            if self._next_ns <= rules_until_ns and self._next_ns <= self._due[0]:
                self._change_rule()
            elif self._due[0] < due_before_ns:
                due, kind = self._due
                change = self.alarm.apply_due(self.judge, self._due)
                if change is not None:
                    position = time_key(due) + _BY_ITSELF + bytes((kind,)) + _NO_ID
                    self._record(position, change, b"")
                self._due = self.alarm.due(self.judge)
            else:
                return

    def _change_rule(self) -> None:
        """Put the last of the versions with the next time of effect into effect."""
        time_ns = self._next_ns
        self._next = self._versions.in_effect(time_ns)
        before, self.judge = self.judge, self._versions.judges[self._next - 1]
        self._next_ns = self._time_of_next()
        change = self.alarm.apply_rule(before, self.judge, time_ns)
        if change is not None:
            self._record(time_key(time_ns) + _OF_RULE + b"\0" + _NO_ID, change, b"")
        self._due = self.alarm.due(self.judge)

    def _record(self, position: bytes, change: AlarmChangeName, event_id: bytes) -> None:
        after = msgspec.structs.replace(self.alarm)
        self.transitions.append(Transition(position, change, after, event_id))


def state_at(alarm: Alarm, versions: RuleVersions, time_ns: int) -> AlarmFold:
    """A fold of a copy of an alarm, advanced to a time that no further input precedes."""
    fold = AlarmFold(msgspec.structs.replace(alarm), versions)
    fold.advance(time_ns)
    return fold
