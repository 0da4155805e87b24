"""Alarm view: states of alarms at a time and their transitions, from one state of the database.

What ends by itself after the last input of an alarm has no row: it follows from the time asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import groupby
from typing import NamedTuple, TypeVar

import msgspec

from nova.core.alarms.alarm_fold import (
    BEFORE_ALL,
    AlarmFold,
    Transition,
    first_position,
    last_position,
    state_at,
)
from nova.core.alarms.alarm_machine import Alarm
from nova.core.alarms.rule_book import RuleBook
from nova.core.errors import DerivedDamagedError
from nova.core.ordering import Timebase, time_of
from nova.core.store.alarm_store import AlarmName, AlarmProgress, AlarmStore
from nova.sdk.timestamps import NS_MIN

BATCH_ALARMS = 500

_Decoded = TypeVar("_Decoded")

_alarm_decoder = msgspec.msgpack.Decoder(Alarm)
_transition_decoder = msgspec.msgpack.Decoder(Transition)


NameOrder = tuple[str, ...]
"""What sorts alarms: the same in every database, in which they may have other numbers."""


class TransitionPlace(NamedTuple):
    """Where a transition is in the order of a timebase: by position, then by the alarm's name."""

    position: bytes
    order: NameOrder


class DatedTransition(NamedTuple):
    """A transition of an alarm, sorted by its place."""

    place: TransitionPlace
    number: int
    transition: Transition


def order_of(name: AlarmName) -> NameOrder:
    """By the rule's scope, the rule and the series; then by what may differ for one rule."""
    context = () if name.context is None else (*name.context.series, name.context.field)
    return (name.rule_scope, name.rule_id, *name.series, name.field, *context)


def place_of(one: DatedTransition) -> TransitionPlace:
    return one.place


class AlarmView:
    """Reads the store with these names and rules, which belong to it."""

    def __init__(self, store: AlarmStore, names: Sequence[AlarmName], rules: RuleBook) -> None:
        self._store = store
        self.names = names
        self.rules = rules

    def progress(self, timebase: Timebase, numbers: Sequence[int]) -> list[AlarmProgress | None]:
        """How far alarms are folded."""
        return self._store.progress(timebase, list(numbers))

    def alarms_at(
        self, timebase: Timebase, numbers: Sequence[int], time_ns: int
    ) -> Iterator[tuple[int, Alarm]]:
        """Numbers and states of alarms at a time."""
        for start in range(0, len(numbers), BATCH_ALARMS):
            part = list(numbers[start : start + BATCH_ALARMS])
            for number, progress in zip(part, self._store.progress(timebase, part), strict=True):
                yield number, self._alarm_at(timebase, number, progress, time_ns)

    def _alarm_at(
        self, timebase: Timebase, number: int, progress: AlarmProgress | None, time_ns: int
    ) -> Alarm:
        if progress is None or time_ns >= _frontier_ns(progress):
            return self.advanced(timebase, number, progress, time_ns).alarm
        found = self._store.last_transition(timebase, number, last_position(time_ns))
        return Alarm() if found is None else _decoded(_transition_decoder, found).alarm

    def advanced(
        self, timebase: Timebase, number: int, progress: AlarmProgress | None, time_ns: int
    ) -> AlarmFold:
        """An alarm from how far it is folded on to a time."""
        alarm = Alarm() if progress is None else _decoded(_alarm_decoder, progress.alarm)
        versions = self.rules.versions(self.names[number], timebase)
        return state_at(alarm, versions, time_ns)

    def transitions(
        self, timebase: Timebase, numbers: Sequence[int], from_ns: int, until_ns: int
    ) -> Iterator[DatedTransition]:
        """The transitions of alarms in a time range, both ends included, in order."""
        stored = self.stored(
            timebase, set(numbers), first_position(from_ns), last_position(until_ns)
        )
        unstored = self.unstored(timebase, numbers, from_ns, until_ns)
        return merge(stored, sorted(unstored, key=place_of), key=place_of)

    def stored(
        self,
        timebase: Timebase,
        wanted: set[int],
        first: bytes,
        last: bytes,
        *,
        reverse: bool = False,
    ) -> Iterator[DatedTransition]:
        """The transitions of alarms that have rows, between two positions, in order."""
        rows = self._store.transitions(timebase, first, last, reverse=reverse)
        for position, same in groupby(rows, key=lambda row: row[0]):
            places = [
                (order_of(self.names[number]), number) for _, number in same if number in wanted
            ]
            for order, number in sorted(places, reverse=reverse):
                transition = self._transition(timebase, number, position)
                yield DatedTransition(TransitionPlace(position, order), number, transition)

    def _transition(self, timebase: Timebase, number: int, position: bytes) -> Transition:
        value = self._store.transition(timebase, number, position)
        if value is None:
            raise DerivedDamagedError(
                f"the alarms lack transition {position.hex()} of alarm {number}"
            )
        return _decoded(_transition_decoder, value)

    def last_raised(self, timebase: Timebase, number: int, position: bytes) -> bytes:
        """Position of the last raising of an alarm up to a position; empty if there is none."""
        for before, stored in self._store.transitions_back(timebase, number, position):
            if _decoded(_transition_decoder, stored).change == "raised":
                return before
        return b""

    def unstored(
        self, timebase: Timebase, numbers: Sequence[int], from_ns: int, until_ns: int
    ) -> Iterator[DatedTransition]:
        """What ended by itself, and rules that took effect, after the last input of each alarm."""
        for start in range(0, len(numbers), BATCH_ALARMS):
            part = list(numbers[start : start + BATCH_ALARMS])
            for number, progress in zip(part, self._store.progress(timebase, part), strict=True):
                if progress is not None and _frontier_ns(progress) <= until_ns:
                    fold = self.advanced(timebase, number, progress, until_ns)
                    order = order_of(self.names[number])
                    for one in fold.transitions:
                        if one.time_ns >= from_ns:
                            place = TransitionPlace(one.position, order)
                            yield DatedTransition(place, number, one)


def _frontier_ns(progress: AlarmProgress) -> int:
    return NS_MIN if progress.frontier == BEFORE_ALL else time_of(progress.frontier)


def _decoded(decoder: msgspec.msgpack.Decoder[_Decoded], value: bytes | msgspec.Raw) -> _Decoded:
    try:
        return decoder.decode(value)
    except msgspec.DecodeError as error:
        raise DerivedDamagedError(f"a record of the alarms is damaged: {error}") from error
