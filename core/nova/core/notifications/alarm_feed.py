"""Alarm feed: follows the transitions of alarms in canonical time, in which nothing is ever late,
by the derived database that the sampler maintains.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core.alarms.alarm_fold import Transition, first_position
from nova.core.alarms.alarm_machine import Alarm
from nova.core.alarms.rule_book import RuleBook
from nova.core.errors import DerivedDamagedError
from nova.core.notifications.notice import digest_id
from nova.core.query.alarm_view import AlarmView, DatedTransition
from nova.core.query.derived_reader import DerivedReader
from nova.core.store.alarm_store import AlarmName, AlarmStore
from nova.core.store.durability_marker import DurabilityMarker, read_marker
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

SETTLE_NS = NS_PER_SECOND
"""What is stamped may be durable this much later; without newer events, times before that are
settled.
"""

_transition_decoder = msgspec.msgpack.Decoder(Transition)


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
        self._own_scope = own_scope
        self._wants = wants
        self._derived = DerivedReader(AlarmStore, data, scratch)
        self._store: AlarmStore | None = None
        self._names: list[AlarmName] = []
        self._rules = RuleBook(own_scope)
        self._rules_until_ns = NS_MIN
        self._wanted: set[int] = set()
        self._ending: set[int] = set()
        """The wanted alarms whose rules judge by time too."""

        self._cursor_ns = NS_MIN
        self._by_id: dict[str, int] = {}
        self._view: AlarmView | None = None
        self._marker: DurabilityMarker | None = None
        self._raised: dict[int, bytes] = {}
        """Positions of the last raisings, by alarm."""

    def close(self) -> None:
        self._derived.close()

    def read(self, after_ns: int, open_alarms: Collection[str] = ()) -> AlarmChanges | None:
        """What changed after a canonical time; None while there is no usable database. What ends by
        itself is looked for in the alarms with these ids, and in those whose rules judge by time.
        """
        try:
            view_and_cursor = self._open_view()
            if view_and_cursor is None:
                return None
            view, cursor_ns = view_and_cursor
            opened = {self._by_id[one] for one in open_alarms if one in self._by_id}
            return self._read(view, after_ns, cursor_ns, sorted(self._ending | opened))
        except DerivedDamagedError as error:
            self._derived.discard(error)
            return None

    def _open_view(self) -> tuple[AlarmView, int] | None:
        # The marker is read first: what is durable later is not taken for judged.
        self._marker = read_marker(self._data)
        store = self._derived.current()
        state = None if store is None else store.state()
        if store is None or state is None:
            return None
        if store is not self._store or state.cursor_ns < self._cursor_ns:
            self._forget(store)
        known = self._names[-1:]
        names = store.names(len(self._names) - len(known))
        if names[: len(known)] != known:  # It was rebuilt in its place.
            self._forget(store)
            names, known = store.names(), []
        self._cursor_ns = state.cursor_ns
        self._add(store, names[len(known) :])
        self._view = AlarmView(store, self._names, self._rules)
        return self._view, state.cursor_ns

    def _forget(self, store: AlarmStore) -> None:
        self._store, self._names, self._raised = store, [], {}
        self._rules, self._rules_until_ns = RuleBook(self._own_scope), NS_MIN
        self._wanted, self._ending, self._by_id = set(), set(), {}

    def _add(self, store: AlarmStore, names: Sequence[AlarmName]) -> None:
        """Add the names and rules that are new."""
        changed = set(range(len(self._names), len(self._names) + len(names)))
        self._names += names
        for number in changed:
            if self._wants(self._names[number]):
                self._wanted.add(number)
                self._by_id[alarm_id(self._names[number])] = number
        for canonical_ns, stored in store.rules(self._rules_until_ns):
            self._rules.add(canonical_ns, stored)
            self._rules_until_ns = canonical_ns
            changed = self._wanted
        for number in changed & self._wanted:
            judges = self._rules.versions(self._names[number], "canonical").judges
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
        self, view: AlarmView, after_ns: int, cursor_ns: int, ending: Sequence[int]
    ) -> AlarmChanges:
        settled_ns = cursor_ns
        if self._marker is not None and cursor_ns >= self._marker.canonical_ns:
            settled_ns = max(cursor_ns, timestamps.now() - SETTLE_NS)
        if settled_ns <= after_ns:
            return AlarmChanges([], after_ns, settled_ns)
        first = first_position(after_ns + 1)
        dated = [
            *view.stored("canonical", self._wanted, first, settled_ns),
            *view.unstored("canonical", ending, after_ns + 1, settled_ns),
        ]
        changes = [self._change(one) for one in sorted(dated, key=lambda one: one.place)]
        return AlarmChanges(changes, max(after_ns, cursor_ns), settled_ns)

    def _change(self, dated: DatedTransition) -> AlarmChange:
        (position, number), transition = dated
        if transition.change == "raised":
            self._raised[number] = position
        elif transition.alarm.rank and number not in self._raised:
            self._raised[number] = self._find_raised(number, position)
        name = self._names[number]
        rule = self._rules.rule_at(name, "canonical", transition.time_ns)
        return AlarmChange(name, rule, transition, self._raised.get(number, b""))

    def _find_raised(self, number: int, position: bytes) -> bytes:
        assert self._store is not None
        for before, stored in self._store.transitions_back("canonical", number, position):
            if _transition_decoder.decode(stored).change == "raised":
                return before
        return b""
