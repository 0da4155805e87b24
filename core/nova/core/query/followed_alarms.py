"""The names of an alarm database and the rules in it, read once and then as they are added."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.alarms.rule_book import RuleBook
from nova.core.query.alarm_view import AlarmView, order_of
from nova.core.query.derived_reader import DerivedReader
from nova.core.store.alarm_store import AlarmName, AlarmStore
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

SETTLE_NS = NS_PER_SECOND
"""What is stamped may be durable this much later; without newer events, times before that are
settled.
"""


class JudgedArchive(NamedTuple):
    """The alarms up to a canonical time in ns."""

    view: AlarmView
    cursor_ns: int
    known: int
    """How many of the names were known before; 0 where the database was rebuilt."""

    has_new_rules: bool
    rules_ns: int
    """Receive time in ns of the newest rule."""

    def settled_ns(self, newest_ns: int, now_ns: int) -> int:
        """The time up to which everything that was received is judged; `newest_ns` is the time of
        the newest durable event.
        """
        is_all_judged = self.cursor_ns >= newest_ns
        return max(self.cursor_ns, now_ns - SETTLE_NS) if is_all_judged else self.cursor_ns


class FollowedAlarms:
    """Follows one alarm database; begins anew where it was rebuilt."""

    def __init__(self, derived: DerivedReader[AlarmStore], own_scope: str) -> None:
        self._derived = derived
        self._own_scope = own_scope
        self._store: AlarmStore | None = None
        self._names: list[AlarmName] = []
        self._by_name: list[int] = []
        self._rules = RuleBook(own_scope)
        self._rules_until_ns = NS_MIN
        self._cursor_ns = NS_MIN
        self._making = b""

    def by_name(self) -> list[int]:
        """The numbers of the alarms, in the order of their names."""
        if len(self._by_name) < len(self._names):
            orders = list(map(order_of, self._names))
            self._by_name = sorted(range(len(orders)), key=orders.__getitem__)
        return self._by_name

    def judged(self) -> JudgedArchive | None:
        """What is judged by now; None without a usable database. Raises DerivedDamagedError."""
        store = self._derived.current()
        state = None if store is None else store.state()
        if store is None or state is None:
            return None
        known = self._names[-1:]
        news = store.names(max(0, len(self._names) - 1))
        is_same = store is self._store and state.making == self._making
        is_continued = is_same and state.cursor_ns >= self._cursor_ns
        if not is_continued or news[: len(known)] != known:
            known, news = [], store.names()
            self._store, self._names, self._by_name = store, [], []
            self._rules, self._rules_until_ns = RuleBook(self._own_scope), NS_MIN
        self._cursor_ns, self._making = state.cursor_ns, state.making
        before, rules_before_ns = len(self._names), self._rules_until_ns
        self._names += news[len(known) :]
        for canonical_ns, stored in store.rules(self._rules_until_ns):
            self._rules.add(canonical_ns, stored)
            self._rules_until_ns = canonical_ns
        view = AlarmView(store, self._names, self._rules)
        has_new_rules = self._rules_until_ns != rules_before_ns
        return JudgedArchive(view, state.cursor_ns, before, has_new_rules, self._rules_until_ns)
