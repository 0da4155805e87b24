"""Notice plan: which notices a change of an alarm makes, by the rules of a notification file."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from nova.core.alarms.alarm_machine import Alarm
from nova.core.notifications.alarm_feed import AlarmChange, alarm_id
from nova.core.notifications.notice import AlarmNotice, NoticeKind, digest_id
from nova.core.notifications.notice_ledger import Notice, NoticeLedger, NoticeState
from nova.core.notifications.notification_file import (
    NotificationFile,
    NotificationRule,
    Patterns,
)
from nova.core.notifications.quiet_hours import first_time
from nova.core.ordering import time_of
from nova.core.store.alarm_store import AlarmName
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import SEVERITIES, rank_of
from nova.sdk.timestamps import NS_PER_SECOND

ENDING_CHANGES = ("acknowledged", "withdrawn", "disabled")


class PlanFigures(NamedTuple):
    """How many notices changes made, and how many of these are too late to be sent."""

    added: int = 0
    late: int = 0


class NoticePlan:
    """Enters notices into a ledger; the caller runs it in a transaction."""

    def __init__(self, file: NotificationFile, ledger: NoticeLedger) -> None:
        self._file = file
        self._ledger = ledger

    def apply(self, change: AlarmChange, now_ns: int) -> PlanFigures:
        """Enter the notices of a change, or end those that wait."""
        what, alarm = change.transition.change, change.transition.alarm
        alarm_key = alarm_id(change.name)
        if what in ENDING_CHANGES:
            self._ledger.move(alarm_key, ("waiting", "shelved", "late"), "ended")
        elif what == "cleared":
            self._ledger.move(alarm_key, ("late",), "ended")
        elif what == "shelved":
            self._ledger.move(alarm_key, ("waiting",), "shelved")
        elif what == "unshelved":
            if alarm.state in ("normal", "acknowledged"):
                self._ledger.move(alarm_key, ("shelved",), "ended")
            else:
                self._ledger.unshelve(alarm_key, now_ns)
        elif what in ("raised", "worsened") and alarm.state == "raised" and change.raised:
            return self._notify(change, alarm_key, now_ns)
        return PlanFigures()

    def _notify(self, change: AlarmChange, alarm_key: str, now_ns: int) -> PlanFigures:
        alarm = change.transition.alarm
        state: NoticeState = "waiting"
        if self.is_late(alarm, now_ns):
            state = "late"
        elif alarm.shelved_ns is not None:
            state = "shelved"
        added = 0
        for notice in self._notices(change, alarm_key, state, now_ns):
            added += self._ledger.add(notice, now_ns)
        return PlanFigures(added, added if state == "late" else 0)

    def renew(self, alarm_key: str, alarm: Alarm, now_ns: int) -> None:
        """Let late notices of an alarm wait, once newer values keep it raised."""
        if alarm.state == "raised" and not self.is_late(alarm, now_ns):
            state: NoticeState = "waiting" if alarm.shelved_ns is None else "shelved"
            self._ledger.renew(alarm_key, state, now_ns)

    def is_late(self, alarm: Alarm, now_ns: int) -> bool:
        """Whether the last value of an alarm is older than what is notified of."""
        newest_ns = max(alarm.since_ns, alarm.fresh_source_ns)
        return now_ns - newest_ns > self._file.max_age_s * NS_PER_SECOND

    def _notices(
        self, change: AlarmChange, alarm_key: str, state: NoticeState, now_ns: int
    ) -> list[Notice]:
        alarm = change.transition.alarm
        # An alarm that became worse than what was acknowledged counts as raised once more.
        raising = digest_id(alarm_key, change.raised.hex(), alarm.acknowledged_rank)
        content = _content(change, raising)
        found: list[Notice] = []
        for rule in self._file.rules:
            if not selects(rule, change.name, alarm.rank):
                continue
            # Who is notified first has the whole time before others are, also after a quiet night.
            first_ns = first_time(rule.quiet, alarm.rank, now_ns)
            for kind, targets, after_s in _steps(rule):
                asked_ns = first_ns + int(after_s * NS_PER_SECOND)
                ready_ns = first_time(rule.quiet, alarm.rank, asked_ns)
                due_ns = ready_ns + int(rule.group_s * NS_PER_SECOND)
                found += (
                    Notice(
                        alarm_key,
                        raising,
                        kind,
                        target,
                        rule.name,
                        ready_ns,
                        due_ns,
                        content,
                        state,
                    )
                    for target in targets
                )
        return found


def _steps(rule: NotificationRule) -> Iterator[tuple[NoticeKind, list[str], float]]:
    """Kinds and targets of what a rule sends, and times in s after it notifies first."""
    yield "raised", rule.targets, 0.0
    if rule.escalate is not None:
        yield "escalated", rule.escalate.targets, rule.escalate.after_s


def selects(rule: NotificationRule, name: AlarmName, rank: int) -> bool:
    """Whether a rule notifies of an alarm."""
    of = name.series
    entity = f"{of.system_id}/{of.container_id}/{of.unique_id}"
    return (
        rank >= rank_of(rule.min_severity)
        and _matches(rule.scopes, of.scope_id)
        and _matches(rule.rules, name.rule_id)
        and _matches(rule.entities, entity)
    )


def _matches(patterns: Patterns | None, text: str) -> bool:
    return patterns is None or any(fnmatchcase(text, pattern) for pattern in patterns)


def _content(change: AlarmChange, raising: str) -> AlarmNotice:
    alarm, of, value = change.transition.alarm, change.name.series, change.transition.alarm.value
    return AlarmNotice(
        alarm_id=raising,
        scope_id=of.scope_id,
        system_id=of.system_id,
        container_id=of.container_id,
        unique_id=of.unique_id,
        rule_id=change.name.rule_id,
        field=change.name.field,
        severity=SEVERITIES[alarm.rank - 1],
        since=timestamps.text(alarm.since_ns),
        raised_time=timestamps.text(time_of(change.raised)),
        title=None if change.rule is None else change.rule.title,
        value=value if isinstance(value, bool | float | int | str) else None,
    )
