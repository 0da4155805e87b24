"""An alarm that is being folded in one timebase, with what of it has to be written."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from nova.core.alarms.alarm_fold import (
    BEFORE_ALL,
    AlarmFold,
    AlarmInput,
    RuleVersions,
    last_position,
)
from nova.core.alarms.alarm_machine import Alarm
from nova.core.derived.calm_alarms import SkippedInputs
from nova.core.derived.recent_inputs import RecentInputs
from nova.core.errors import DerivedDamagedError
from nova.core.ordering import Timebase
from nova.core.store.alarm_store import (
    AlarmProgress,
    mark_row,
    progress_row,
    transition_rows,
)

Changes = dict[bytes, bytes | None]
"""Rows to write; without a value to remove."""

_encode = msgspec.msgpack.Encoder().encode
_alarm_decoder = msgspec.msgpack.Decoder(Alarm)


def decode_alarm(value: bytes | msgspec.Raw) -> Alarm:
    """A stored alarm; raises DerivedDamagedError."""
    try:
        return _alarm_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise DerivedDamagedError(f"a state of the alarms is damaged: {error}") from error


class OpenAlarm:
    """The fold up to a frontier. In canonical time nothing is ever late: no inputs are kept there,
    and no marks.
    """

    def __init__(
        self,
        number: int,
        timebase: Timebase,
        versions: RuleVersions,
        progress: AlarmProgress | None,
    ) -> None:
        self.number = number
        self.timebase: Timebase = timebase
        self.frontier = BEFORE_ALL if progress is None else progress.frontier
        alarm = Alarm() if progress is None else decode_alarm(progress.alarm)
        self.fold = AlarmFold(alarm, versions)
        self.recent: RecentInputs | None = None
        if timebase == "source":
            self.recent = RecentInputs(self.frontier, alarm)
        self._since_mark = 0
        self.is_restored = progress is not None
        """Whether inputs that it ignored may be after its frontier."""

        self.disorder = 0
        """Inputs that it keeps all the same, as a late one was not ignored."""

    def restart(self, position: bytes, alarm: Alarm, versions: RuleVersions, keep: bool) -> None:
        """Continue from a position at which the alarm is known; `keep` the recent inputs."""
        self.frontier, self._since_mark = position, 0
        self.is_restored = False
        self.fold = AlarmFold(alarm, versions)
        if self.recent is not None and not keep:
            self.recent = RecentInputs(position, alarm)

    def skip(self, skipped: SkippedInputs | None) -> None:
        """Take over what it ignored since: inputs that it does not keep."""
        if skipped is not None and self.is_restored:
            # Values between those that it knows of were skipped too, but no later one.
            skipped = skipped.of_values()
        if skipped is None:
            return
        self.fold.skip(*skipped)
        position = last_position(skipped.last_ns)
        if position > self.frontier:
            self.frontier = position
            if self.recent is not None:
                self.recent = RecentInputs(position, self.fold.alarm)

    def add_all(self, inputs: Iterable[AlarmInput], changes: Changes, mark_inputs: int) -> int:
        """Apply the next inputs, in order; returns how many they were."""
        count = 0
        fold, recent = self.fold, self.recent
        for item in inputs:
            count += 1
            if recent is not None:
                if self._since_mark >= mark_inputs and item.position != self.frontier:
                    self.mark(changes)
                recent.add(item, fold.alarm)
                self._since_mark += 1
            fold.add(item)
            self.frontier = item.position
        if fold.transitions:
            self._write_transitions(changes)
        self.disorder = max(0, self.disorder - count)
        return count

    def mark(self, changes: Changes) -> None:
        """Add a row from which it can be folded again."""
        alarm = _encode(self.fold.alarm)
        key, value = mark_row(self.timebase, self.number, self.frontier, alarm)
        changes[key] = value
        self._since_mark = 0

    def _write_transitions(self, changes: Changes) -> None:
        for transition in self.fold.transitions:
            changes.update(
                transition_rows(
                    self.timebase, self.number, transition.position, _encode(transition)
                )
            )
        self.fold.transitions.clear()

    def forget_older(self) -> None:
        """Forget the older half of the recent inputs."""
        if self.recent is not None:
            self.recent.drop_older_half(self.frontier, self.fold.alarm)

    def write(self, changes: Changes) -> None:
        """Add the row that says how far the alarm is folded."""
        progress = AlarmProgress(self.frontier, msgspec.Raw(_encode(self.fold.alarm)))
        key, value = progress_row(self.timebase, self.number, progress)
        changes[key] = value
