"""Rule books: all versions of all rules, and which of them apply to a series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from nova.core.alarms.alarm_fold import NO_VERSIONS, RuleVersions
from nova.core.alarms.rule_judge import RuleJudge, judge_of_rule
from nova.core.effect.history import (
    EventTimes,
    History,
    HistoryEntry,
    count_in_effect,
    event_times,
    without_replaced,
)
from nova.core.ordering import Timebase
from nova.core.store.alarm_store import AlarmContext, AlarmName
from nova.sdk.alarms.alarm_rule import AlarmRule, read_rule
from nova.sdk.events.event import Series


class _Scope(msgspec.Struct, rename="camel"):
    scope_id: str


_scope_decoder = msgspec.json.Decoder(_Scope)


class RuleKey(NamedTuple):
    """A rule: who published it, and its id."""

    scope_id: str
    rule_id: str


class NewVersion(NamedTuple):
    """A version of a rule that was added, and its times."""

    key: RuleKey
    times: EventTimes
    rule: AlarmRule | None


class _JudgedRule(NamedTuple):
    rule: AlarmRule
    judge: RuleJudge


class RuleBook:
    """The rules of an archive. Those of the instance's own scope apply to all scopes, others to the
    scope that published them.
    """

    def __init__(self, own_scope: str) -> None:
        self._own_scope = own_scope
        self._histories: dict[RuleKey, History[_JudgedRule | None]] = {}
        self._selecting: defaultdict[tuple[str, str, str | None], set[RuleKey]] = defaultdict(set)
        """The rules with a version for a lane, a messageType or view, and a uniqueId or any."""

    def add(self, canonical_ns: int, stored: bytes) -> NewVersion | None:
        """Add the rule in an event; None if it has none that can be used."""
        payload = read_rule(stored)
        if payload is None:
            return None
        scope_id = _scope_decoder.decode(stored).scope_id
        key, rule = RuleKey(scope_id, payload.rule_id), payload.rule
        times = event_times(canonical_ns, stored)
        judged = None if rule is None else _JudgedRule(rule, judge_of_rule(rule))
        self._histories.setdefault(key, History()).add(times, judged)
        if rule is not None:
            wanted = (rule.lane, rule.message_type or rule.view_id or "", rule.unique_id)
            self._selecting[wanted].add(key)
        return NewVersion(key, times, rule)

    def names_for(self, series: Series) -> Iterator[AlarmName]:
        """The alarms that a series has by any version of any rule."""
        seen: set[AlarmName] = set()
        head = (series.lane, _type_of(series))
        of_all = self._selecting.get((*head, None), set())
        of_id = self._selecting.get((*head, series.unique_id), set())
        for key in sorted(of_all | of_id):
            for entry in self._histories[key].entries("source"):
                if entry.value is not None and self._selects(key, entry.value.rule, series):
                    name = _name(key, entry.value.rule, series)
                    if name not in seen:
                        seen.add(name)
                        yield name

    def versions(self, name: AlarmName, timebase: Timebase) -> RuleVersions:
        """The versions of an alarm's rule, None where they do not judge what the alarm does."""
        key = RuleKey(name.rule_scope, name.rule_id)
        entries = self._standing(key, timebase)
        if not entries:
            return NO_VERSIONS
        judges = [self._judge(key, entry.value, name) for entry in entries]
        return RuleVersions([entry.order[0] for entry in entries], judges)

    def rule_at(self, name: AlarmName, timebase: Timebase, time_ns: int) -> AlarmRule | None:
        """The rule in effect, if it judges what the alarm does."""
        key = RuleKey(name.rule_scope, name.rule_id)
        entries = self._standing(key, timebase)
        held = count_in_effect(entries, time_ns)
        last = entries[held - 1].value if held else None
        return None if last is None or self._judge(key, last, name) is None else last.rule

    def _standing(
        self, key: RuleKey, timebase: Timebase
    ) -> Sequence[HistoryEntry[_JudgedRule | None]]:
        """The versions of a rule that are in effect at any time: a publication says what holds from
        then on, so what was to take effect later does not if it is not published again.
        """
        history = self._histories.get(key)
        return () if history is None else without_replaced(history.entries(timebase))

    def _judge(self, key: RuleKey, judged: _JudgedRule | None, name: AlarmName) -> RuleJudge | None:
        if judged is None or not self._selects(key, judged.rule, name.series):
            return None
        return judged.judge if _name(key, judged.rule, name.series) == name else None

    def _selects(self, key: RuleKey, rule: AlarmRule, series: Series) -> bool:
        is_in_scope = key.scope_id in (self._own_scope, series.scope_id)
        return is_in_scope and all(_matches(rule, series))


def _matches(rule: AlarmRule, series: Series) -> Iterable[bool]:
    yield rule.lane == series.lane
    yield (rule.message_type or rule.view_id) == _type_of(series)
    yield rule.scope_id in (None, series.scope_id)
    yield rule.system_id in (None, series.system_id)
    yield rule.container_id in (None, series.container_id)
    yield rule.unique_id in (None, series.unique_id)


def _type_of(series: Series) -> str:
    return series.view_id if series.lane == "ui" else series.message_type


def _name(key: RuleKey, rule: AlarmRule, series: Series) -> AlarmName:
    context = rule.context
    if context is None:
        return AlarmName(*key, series, rule.field)
    lane = context.lane or series.lane
    is_same = lane == series.lane
    given = context.view_id if lane == "ui" else context.message_type
    named = given or (_type_of(series) if is_same else "")
    other = Series(
        scope_id=series.scope_id,
        lane=lane,
        system_id=context.system_id or series.system_id,
        container_id=context.container_id or series.container_id,
        unique_id=context.unique_id or series.unique_id,
        message_type="UiUpdate" if lane == "ui" else named,
        view_id=named if lane == "ui" else "",
    )
    return AlarmName(*key, series, rule.field, AlarmContext(other, context.field))
