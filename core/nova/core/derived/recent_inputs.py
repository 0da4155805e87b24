"""The newest inputs of an alarm, kept in memory in order with states between them, so that a late
one causes a few of them to be folded again and nothing to be read from the archive.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from nova.core.alarms.alarm_fold import AlarmInput
from nova.core.alarms.alarm_machine import Alarm

STATE_INPUTS = 16
"""Inputs between two states."""

_by_order = itemgetter(0, 1)
_by_position = itemgetter(0)


class KnownAlarm(NamedTuple):
    """The alarm after all inputs up to and with a position."""

    position: bytes
    alarm: Alarm


class RecentInputs:
    """All inputs after a position, at which the alarm is known."""

    def __init__(self, position: bytes, alarm: Alarm) -> None:
        self._inputs: list[AlarmInput] = []
        self._known = [KnownAlarm(position, msgspec.structs.replace(alarm))]
        self._since_known = 0

    def __len__(self) -> int:
        return len(self._inputs)

    def add(self, item: AlarmInput, before: Alarm) -> None:
        """Keep the next input, in order; `before` is the alarm before it."""
        if self._since_known >= STATE_INPUTS:
            last = self._inputs[-1].position
            if last != item.position:
                self._known.append(KnownAlarm(last, msgspec.structs.replace(before)))
                self._since_known = 0
        self._inputs.append(item)
        self._since_known += 1

    def rewind(self, position: bytes) -> tuple[KnownAlarm, Sequence[AlarmInput]] | None:
        """Forget the inputs after the last known state before a position; returns that state, to
        be changed, and these inputs. None if no such state is kept.
        """
        count = bisect_left(self._known, position, key=_by_position)
        if count == 0:
            return None
        del self._known[count:]
        known = self._known[-1]
        first = bisect_right(self._inputs, known.position, key=_by_position)
        rest = self._inputs[first:]
        del self._inputs[first:]
        self._since_known = 0
        return KnownAlarm(known.position, msgspec.structs.replace(known.alarm)), rest

    def drop_older_half(self, position: bytes, alarm: Alarm) -> None:
        """Forget the older half of the states, and the inputs up to the first that is left; of the
        last one all inputs, as the alarm is now known at a position after them.
        """
        if len(self._known) == 1:
            self._known = [KnownAlarm(position, msgspec.structs.replace(alarm))]
            self._since_known = 0
        self._known = self._known[len(self._known) // 2 :]
        first = bisect_right(self._inputs, self._known[0].position, key=_by_position)
        self._inputs = self._inputs[first:]


def in_order(one: Sequence[AlarmInput], other: Sequence[AlarmInput]) -> list[AlarmInput]:
    """The inputs of both, in order."""
    return sorted([*one, *other], key=_by_order)
