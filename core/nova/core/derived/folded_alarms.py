"""Folds the alarms of an archive in one timebase.

Inputs that an alarm ignores are skipped, with the alarms of a chunk looked at together. When one
comes that it does not ignore, the alarm is folded one by one again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from nova.core.alarms.alarm_fold import BEFORE_ALL, AlarmInput, RuleVersions, first_position
from nova.core.alarms.alarm_machine import Alarm
from nova.core.derived.alarm_books import AlarmBooks, Rejudged
from nova.core.derived.alarm_chunk import AlarmChunk, ChunkInputs
from nova.core.derived.alarm_limits import AlarmLimits
from nova.core.derived.alarm_wiring import AlarmWiring
from nova.core.derived.calm_alarms import CalmAlarms
from nova.core.derived.open_alarm import Changes, OpenAlarm, decode_alarm
from nova.core.derived.recent_inputs import in_order
from nova.core.ordering import Timebase, time_of
from nova.core.query.alarm_inputs import AlarmInputReader, is_enabling
from nova.core.store.alarm_store import AlarmStore
from nova.core.store.column import Mask
from nova.sdk.timestamps import NS_MIN

PAUSE_ALARMS = 200
"""Alarms that are folded from their beginning until others get their turn."""


class FoldedAlarms:
    """The alarms in one timebase, as far as they are folded; `changes` collects rows to write."""

    def __init__(
        self,
        timebase: Timebase,
        store: AlarmStore,
        books: AlarmBooks,
        wiring: AlarmWiring,
        history: AlarmInputReader,
        limits: AlarmLimits,
    ) -> None:
        self.changes: Changes = {}
        self._timebase: Timebase = timebase
        self._store = store
        self._books = books
        self._wiring = wiring
        self._history = history
        self._limits = limits
        self._open: dict[int, OpenAlarm] = {}
        self._calm = CalmAlarms()
        self._touched: set[int] = set()
        self._kept_inputs = 0

    # --- a chunk ----------------------------------------------------------------------------------

    def add(
        self, chunk: AlarmChunk, new: Sequence[int], rejudged: Sequence[Rejudged], until_ns: int
    ) -> Iterator[int]:
        """Fold a chunk of events, which were received up to a time; yields where others may have
        their turn. New alarms have no rows, those that are judged again have other rules.
        """
        yield from self.fold_again(new, until_ns)
        from_ns = self._rejudged_from(rejudged, set(new))
        folded = {*new, *from_ns}
        changed = self._changed_by(chunk, folded)
        for number, found in chunk.inputs(self._timebase, changed | from_ns.keys()):
            inputs = self._complete(number, found, until_ns)
            if number in from_ns:
                position = min(first_position(from_ns.pop(number)), inputs[0].position)
                yield from self._refold(number, position, until_ns)
            else:
                yield from self._fold(number, inputs, until_ns)
        for number, time_ns in from_ns.items():
            yield from self._refold(number, first_position(time_ns), until_ns)
        self._skip(chunk, folded | changed)

    def _complete(
        self, number: int, inputs: Sequence[AlarmInput], until_ns: int
    ) -> Sequence[AlarmInput]:
        """The inputs of a chunk, with what they need from the archive."""
        name, history = self._wiring.names[number], self._history
        return [history.with_last_value(one, name, self._timebase, until_ns) for one in inputs]

    def _changed_by(self, chunk: AlarmChunk, folded: set[int]) -> set[int]:
        """The alarms that do not ignore all that the chunk has for them, without those that are
        folded with it anyway.
        """
        changed = set(chunk.actions) - folded
        times = chunk.times[self._timebase]
        values, contexts = chunk.values, chunk.contexts
        ignored = self._calm.ignored(values.alarms, values.numbers, times[values.rows])
        for place in np.flatnonzero(~ignored).tolist():
            number = int(values.alarms[place])
            if number not in changed and number not in folded:
                time_ns = int(times[values.rows[place]])
                if not self._ignores_value(chunk, number, place, time_ns):
                    changed.add(number)
        for place, number in enumerate(contexts.alarms.tolist()):
            if number not in changed and number not in folded:
                time_ns = int(times[contexts.rows[place]])
                opened = self._opened(number)
                is_within = self._calm.is_within(number, time_ns)
                if not is_within or not opened.fold.ignores_context(contexts.known[place]):
                    changed.add(number)
        return changed

    def _ignores_value(self, chunk: AlarmChunk, number: int, place: int, time_ns: int) -> bool:
        opened = self._opened(number)
        if not self._calm.is_within(number, time_ns):
            return False
        name, judge = self._wiring.names[number], None
        if not name.rule_scope:
            body = chunk.event(int(chunk.values.rows[place])).body
            manifest = (body.manifest_id, body.manifest_version)
            judge = self._books.limits.judge(self._timebase, manifest, name.field, time_ns)
        return opened.fold.ignores(chunk.value(place), judge)

    def _skip(self, chunk: AlarmChunk, folded: set[int]) -> None:
        """Keep the times of what was ignored."""
        is_folded: Mask = np.zeros(len(self._wiring.names), np.bool_)
        is_folded[list(folded)] = True
        times, sources = chunk.times[self._timebase], chunk.times["source"]

        def skipped(inputs: ChunkInputs) -> tuple[np.ndarray, np.ndarray]:
            kept = ~is_folded[inputs.alarms]
            return inputs.alarms[kept], inputs.rows[kept]

        alarms, rows = skipped(chunk.contexts)
        self._calm.skip(alarms, times[rows], None)
        alarms, rows = skipped(chunk.values)
        self._calm.skip(alarms, times[rows], sources[rows])
        if self._timebase == "canonical":
            # How old the newest value of a raised alarm is decides about its notification.
            for number in self._calm.skipped_out_of_limits():
                self._taken(number)
        else:
            for number in self._calm.overdue(self._limits.mark_inputs):
                opened = self._opened(number)
                opened.skip(self._calm.take(number))
                opened.mark(self.changes)
                self._touched.add(number)

    def fold_again(self, numbers: Iterable[int], until_ns: int) -> Iterator[int]:
        """Fold alarms from their beginning, with all that was received up to a time."""
        self._calm.grow(len(self._wiring.names))
        for done, number in enumerate(numbers, 1):
            yield from self._refold(number, BEFORE_ALL, until_ns)
            if done % PAUSE_ALARMS == 0:
                yield 0

    # --- one alarm --------------------------------------------------------------------------------

    def _opened(self, number: int) -> OpenAlarm:
        opened = self._open.get(number)
        if opened is None:
            (progress,) = self._store.progress(self._timebase, [number])
            opened = OpenAlarm(number, self._timebase, self._versions(number), progress)
            self._open[number] = opened
            self._settle(opened)
        return opened

    def _versions(self, number: int) -> RuleVersions:
        return self._books.rules.versions(self._wiring.names[number], self._timebase)

    def _settle(self, opened: OpenAlarm) -> None:
        """From now on skip what the alarm ignores, if it is calm and its events are in order."""
        number = opened.number
        if opened.disorder:
            self._calm.unset(number)
            return
        after_ns = time_of(opened.frontier) if opened.frontier else NS_MIN
        has_own_judge = bool(self._wiring.names[number].rule_scope)
        self._calm.set(number, after_ns, opened.fold, has_own_judge=has_own_judge)

    def _taken(self, number: int) -> OpenAlarm:
        """An alarm with what it has ignored, to be folded one by one."""
        opened = self._opened(number)
        skipped = self._calm.take(number)
        if not self._is_incomplete(opened):
            opened.skip(skipped)
        self._touched.add(number)
        return opened

    def _is_incomplete(self, opened: OpenAlarm) -> bool:
        """Whether what it ignored before it was restored matters: to late inputs, and to rules that
        judge by time.
        """
        may_be_late = self._timebase == "source"
        return opened.is_restored and (may_be_late or opened.fold.has_staleness)

    def _rejudged_from(self, rejudged: Sequence[Rejudged], new: set[int]) -> dict[int, int]:
        """The time from which on new rules and limits judge otherwise what is folded already, by
        alarm; the others continue with them.
        """
        earliest: dict[int, int] = {}
        for numbers, from_ns in rejudged:
            for number in numbers:
                if number not in new:
                    known = earliest.get(number, from_ns[self._timebase])
                    earliest[number] = min(known, from_ns[self._timebase])
        found: dict[int, int] = {}
        for number, time_ns in earliest.items():
            opened = self._taken(number)
            if time_ns > opened.fold.alarm.time_ns and not self._is_incomplete(opened):
                opened.fold.use(self._versions(number))
                self._settle(opened)
            else:
                found[number] = time_ns
        return found

    def _fold(self, number: int, inputs: Sequence[AlarmInput], until_ns: int) -> Iterator[int]:
        opened = self._taken(number)
        position = inputs[0].position
        if self._is_incomplete(opened):
            yield from self._refold(number, position, until_ns)
            return
        if position > opened.frontier:
            self._add_all(opened, inputs)
            return
        known = None if opened.recent is None else opened.recent.rewind(position)
        if known is not None and any(map(is_enabling, known[1])):
            # A late value may be the last one before the alarm was enabled.
            yield from self._refold(number, position, until_ns)
            return
        if known is None:
            yield from self._refold(number, position, until_ns)
            opened.disorder = self._limits.disorder_inputs
            self._settle(opened)
            return
        (start, alarm), rest = known
        self._remove_rows(opened, start)
        opened.restart(start, alarm, self._versions(number), keep=True)
        self._add_all(opened, in_order(rest, inputs))

    def _add_all(self, opened: OpenAlarm, inputs: Iterable[AlarmInput]) -> None:
        self._kept_inputs += opened.add_all(inputs, self.changes, self._limits.mark_inputs)
        self._settle(opened)

    def _refold(self, number: int, position: bytes, until_ns: int) -> Iterator[int]:
        """Fold an alarm again from a position on, with all that was received up to a time."""
        opened = self._taken(number)
        start, alarm = self._known_before(opened, position)
        self._remove_rows(opened, start)
        opened.restart(start, alarm, self._versions(number), keep=False)
        from_ns = time_of(start) if start else NS_MIN
        inputs = self._history.inputs(self._wiring.names[number], self._timebase, from_ns, until_ns)
        later = (item for item in inputs if item.position > start)
        while part := list(islice(later, self._limits.pause_inputs)):
            self._kept_inputs += opened.add_all(part, self.changes, self._limits.mark_inputs)
            if len(part) == self._limits.pause_inputs:
                self._bound_recent()
                yield 0
        self._settle(opened)

    def _known_before(self, opened: OpenAlarm, position: bytes) -> tuple[bytes, Alarm]:
        """The last position before another one at which an alarm is known, and its state there."""
        if opened.is_restored and opened.frontier < position:
            return opened.frontier, opened.fold.alarm
        known = self._store.last_mark(self._timebase, opened.number, position) if position else None
        return (BEFORE_ALL, Alarm()) if known is None else (known[0], decode_alarm(known[1]))

    def _remove_rows(self, opened: OpenAlarm, position: bytes) -> None:
        keys = self._store.rows_after(self._timebase, opened.number, position)
        self.changes.update(dict.fromkeys(keys))

    # --- writing ----------------------------------------------------------------------------------

    def take_changes(self) -> Changes:
        """The rows that changed since the last call."""
        for number in self._touched:
            self._open[number].write(self.changes)
        taken, self.changes = self.changes, {}
        self._touched.clear()
        return taken

    def free_memory(self) -> None:
        """Forget what is more than the limits allow; what is left to write was taken."""
        if self._kept_inputs > self._limits.recent_max_inputs:
            self._bound_recent()
        if len(self._open) > self._limits.open_max_alarms:
            self._open.clear()
            self._calm.clear()

    def _bound_recent(self) -> None:
        """Forget older inputs until those of all alarms fit their limit."""
        kept = [one for one in self._open.values() if one.recent]
        self._kept_inputs = sum(len(one.recent or ()) for one in kept)
        while self._kept_inputs > self._limits.recent_max_inputs:
            for one in kept:
                one.forget_older()
            self._kept_inputs = sum(len(one.recent or ()) for one in kept)
