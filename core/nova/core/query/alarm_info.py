"""Alarms and their transitions as clients get them."""

from __future__ import annotations

from nova.core.alarms.alarm_fold import Transition
from nova.core.alarms.alarm_machine import Alarm
from nova.core.store.alarm_store import AlarmName
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import SEVERITIES, AlarmRule, Severity
from nova.sdk.protocol.alarm_messages import (
    AlarmCounts,
    AlarmInfo,
    AlarmListing,
    AlarmTransition,
)
from nova.sdk.timestamps import NS_MAX


def severity_of(rank: int) -> Severity | None:
    return SEVERITIES[rank - 1] if rank else None


def alarm_info(name: AlarmName, rule: AlarmRule | None, alarm: Alarm) -> AlarmInfo:
    """An alarm with the rule in effect, if it is not of a manifest."""
    of, is_open = name.series, alarm.state != "normal"
    until_ns = alarm.shelved_ns
    value = alarm.value
    return AlarmInfo(
        rule=name.rule_id,
        title=None if rule is None else rule.title,
        scope_id=of.scope_id,
        lane=of.lane,
        system_id=of.system_id,
        container_id=of.container_id,
        unique_id=of.unique_id,
        message_type=of.message_type,
        view_id=of.view_id,
        field=name.field,
        state=alarm.state,
        severity=severity_of(alarm.rank),
        since=_text(alarm.since_ns) if is_open else None,
        changed=_text(alarm.changed_ns) if alarm.changed_ns else None,
        crossed=_text(alarm.crossed_ns[-1]) if alarm.crossed_ns else None,
        value=value if isinstance(value, bool | float | int | str) else None,
        acknowledged_by=alarm.user or None,
        comment=alarm.comment or None,
        comment_by=alarm.commenter or None,
        shelved=until_ns is not None,
        shelved_by=alarm.shelver if until_ns is not None else None,
        shelved_until=_text(until_ns) if until_ns is not None and until_ns < NS_MAX else None,
        disabled=alarm.is_disabled,
    )


def _text(time_ns: int) -> str:
    return timestamps.text(min(time_ns, NS_MAX))


def transition_info(
    name: AlarmName, rule: AlarmRule | None, transition: Transition
) -> AlarmTransition:
    """A transition, with the alarm after it."""
    return AlarmTransition(
        time=_text(transition.time_ns),
        change=transition.change,
        event_id=transition.event_id.hex() or None,
        alarm=alarm_info(name, rule, transition.alarm),
    )


def is_abnormal(alarm: Alarm) -> bool:
    """Whether there is something to see of an alarm."""
    return alarm.state != "normal" or alarm.shelved_ns is not None or alarm.is_disabled


def is_listed(alarm: Alarm, listing: AlarmListing) -> bool:
    """Whether a listing has an alarm."""
    if listing == "all":
        return True
    if listing == "abnormal":
        return is_abnormal(alarm)
    if listing == "disabled":
        return alarm.is_disabled
    if listing == "shelved":
        return alarm.shelved_ns is not None
    is_active = alarm.state != "normal" and alarm.shelved_ns is None
    return is_active and (listing == "active" or alarm.state != "acknowledged")


def count_alarm(counts: AlarmCounts, alarm: Alarm) -> None:
    """Count an alarm in its scope."""
    if alarm.is_disabled:
        counts.disabled += 1
        return
    if alarm.shelved_ns is not None:
        counts.shelved += 1
        return
    setattr(counts, alarm.state, getattr(counts, alarm.state) + 1)
    worst = SEVERITIES.index(counts.worst) + 1 if counts.worst is not None else 0
    if alarm.state == "raised" and alarm.rank > worst:
        counts.worst = severity_of(alarm.rank)
