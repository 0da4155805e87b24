"""Alarm feed: follows the transitions of alarms in canonical time, in which nothing is ever late,
by the derived database that the sampler maintains.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

from nova.core.alarms.alarm_fold import Transition, first_position, last_position
from nova.core.alarms.alarm_machine import Alarm
from nova.core.errors import DerivedDamagedError
from nova.core.notifications.notice import digest_id
from nova.core.query.alarm_view import AlarmView, DatedTransition, place_of
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.followed_alarms import FollowedAlarms, JudgedArchive
from nova.core.store.alarm_store import AlarmName, AlarmStore
from nova.core.store.durability_marker import DurabilityMarker, read_marker
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule


class AlarmChange(NamedTuple):
    """A transition of an alarm, the raising that it belongs to, and the rule in effect.

    `raised` is the position of the transition that raised the alarm, empty if there is none.
    """

    name: AlarmName
    rule: AlarmRule | None
    transition: Transition
    raised: bytes


class AlarmChanges(NamedTuple):
    """All changes after a canonical time, in order. The next ones are those after `cursor_ns`: up
    to there all that was received is judged. Changes after it have ended by themselves, up to
    `settled_ns`, and come again.
    """

    changes: list[AlarmChange]
    cursor_ns: int
    settled_ns: int


def alarm_id(name: AlarmName) -> str:
    """The same for the same alarm in every database of alarms."""
    return digest_id(name.rule_scope, name.rule_id, *name.series, name.field)


class AlarmFeed:
    """Reads the changes of the alarms that are wanted; after a rebuild, of the new database."""

    def __init__(
        self, data: Path, scratch: Path, own_scope: str, wants: Callable[[AlarmName], bool]
    ) -> None:
        self._data = data
        self._wants = wants
        self._derived = DerivedReader(AlarmStore, data, scratch)
        self._followed = FollowedAlarms(self._derived, own_scope)
        self._wanted: set[int] = set()
        self._ending: set[int] = set()
        """The wanted alarms whose rules judge by time too."""

        self._by_id: dict[str, int] = {}
        self._view: AlarmView | None = None
        self._raised: dict[int, bytes] = {}
        """Positions of the last raisings, by alarm."""

    def close(self) -> None:
        self._derived.close()

    def read(self, after_ns: int, open_alarms: Collection[str] = ()) -> AlarmChanges | None:
        """What changed after a canonical time; None while there is no usable database. What ends by
        itself is looked for in the alarms with these ids, and in those whose rules judge by time.
        """
        try:
            # The marker is read first: what is durable later is not taken for judged.
            marker = read_marker(self._data)
            judged = self._followed.judged()
            if judged is None:
                return None
            self._view = judged.view
            self._add(judged)
            opened = {self._by_id[one] for one in open_alarms if one in self._by_id}
            return self._read(judged, marker, after_ns, sorted(self._ending | opened))
        except DerivedDamagedError as error:
            self._derived.discard(error)
            return None

    def _add(self, judged: JudgedArchive) -> None:
        """Choose among the names and rules that are new."""
        view = judged.view
        if judged.known == 0:
            self._wanted, self._ending, self._by_id, self._raised = set(), set(), {}, {}
        changed = set(range(judged.known, len(view.names)))
        for number in changed:
            if self._wants(view.names[number]):
                self._wanted.add(number)
                self._by_id[alarm_id(view.names[number])] = number
        if judged.has_new_rules:
            changed = self._wanted
        for number in changed & self._wanted:
            judges = view.rules.versions(view.names[number], "canonical").judges
            if any(one is not None and (one.stale_ns or one.hold_ns) for one in judges):
                self._ending.add(number)

    def alarm(self, alarm_key: str, time_ns: int) -> Alarm | None:
        """The alarm with an id as of a canonical time, in the database that was read last; None if
        it is not there.
        """
        number = self._by_id.get(alarm_key)
        if number is None or self._view is None:
            return None
        (found,) = self._view.alarms_at("canonical", [number], time_ns)
        return found[1]

    def _read(
        self,
        judged: JudgedArchive,
        marker: DurabilityMarker | None,
        after_ns: int,
        ending: Sequence[int],
    ) -> AlarmChanges:
        view, cursor_ns = judged.view, judged.cursor_ns
        settled_ns = cursor_ns
        if marker is not None:
            settled_ns = judged.settled_ns(marker.canonical_ns, timestamps.now())
        if settled_ns <= after_ns:
            return AlarmChanges([], after_ns, settled_ns)
        first = first_position(after_ns + 1)
        dated = [
            *view.stored("canonical", self._wanted, first, last_position(settled_ns)),
            *view.unstored("canonical", ending, after_ns + 1, settled_ns),
        ]
        changes = [self._change(view, one) for one in sorted(dated, key=place_of)]
        return AlarmChanges(changes, max(after_ns, cursor_ns), settled_ns)

    def _change(self, view: AlarmView, dated: DatedTransition) -> AlarmChange:
        (position, _), number, transition = dated
        if transition.change == "raised":
            self._raised[number] = position
        elif transition.alarm.rank and number not in self._raised:
            self._raised[number] = view.last_raised("canonical", number, position)
        name = view.names[number]
        rule = view.rules.rule_at(name, "canonical", transition.time_ns)
        return AlarmChange(name, rule, transition, self._raised.get(number, b""))
