"""Alarms at a time, their transitions, and what operators do with them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.alarms.alarm_rule import Severity
from nova.sdk.field_types import Id
from nova.sdk.protocol.message import Filters, Message, Timebase, TimelineMode

ALARMS_LIMIT_DEFAULT = 500
ALARMS_LIMIT_MAX = 5_000
COMMENT_MAX_CHARS = 1_000

RuleName = Annotated[str, Meta(min_length=1, max_length=300)]
"""A ruleId, or viewId:key of the limits of a manifest."""

FollowId = Annotated[str, Meta(min_length=1, max_length=100)]

AlarmListing = Literal["active", "unacknowledged", "shelved", "disabled", "abnormal", "all"]
AlarmStateName = Literal["normal", "raised", "acknowledged", "cleared"]
"""`cleared`: the alarm is over and was not acknowledged."""

AlarmActionName = Literal["acknowledge", "comment", "shelve", "unshelve", "disable", "enable"]
AlarmChangeName = Literal[
    "raised",
    "worsened",
    "eased",
    "cleared",
    "acknowledged",
    "commented",
    "shelved",
    "unshelved",
    "disabled",
    "enabled",
    "withdrawn",
]
AlarmLimit = Annotated[int, Meta(ge=1, le=ALARMS_LIMIT_MAX)]


class Alarms(Message, kw_only=True, tag="alarms"):
    """The alarms at a time, page by page: `active` ones are out of limits or not acknowledged, and
    neither shelved nor disabled; of these, `unacknowledged` ones were acknowledged by nobody;
    `abnormal` ones are not `normal`, or shelved, or disabled.
    """

    time: str | None = None
    timebase: Timebase | None = None
    listing: AlarmListing = "active"
    filters: Filters = msgspec.field(default_factory=Filters)
    rule: RuleName | None = None
    limit: AlarmLimit = ALARMS_LIMIT_DEFAULT
    after_key: str | None = None


class AlarmHistory(Message, kw_only=True, tag="alarmHistory"):
    """The transitions of alarms in a time range, both ends included, in order, page by page;
    `reverse` begins with the newest.
    """

    start_time: str | None = None
    stop_time: str | None = None
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    rule: RuleName | None = None
    reverse: bool = False
    limit: AlarmLimit = ALARMS_LIMIT_DEFAULT
    after_key: str | None = None


class FollowAlarms(Message, kw_only=True, tag="followAlarms"):
    """Send the abnormal alarms of the present, and then each alarm that changes, in messages with
    this `follow_id`. A connection follows once: what it followed before ends.
    """

    follow_id: FollowId
    timebase: Timebase | None = None
    filters: Filters = msgspec.field(default_factory=Filters)
    rule: RuleName | None = None


class UnfollowAlarms(Message, kw_only=True, tag="unfollowAlarms"):
    """End what the connection follows of alarms."""


class ActOnAlarm(Message, kw_only=True, tag="actOnAlarm"):
    """Record what an operator does with the alarm of a rule and an entity. An acknowledgement names
    `since` and `severity` of the alarm that was seen; a comment has a `comment`; a shelving may
    have an end, `until`.
    """

    scope_id: Id
    system_id: Id
    container_id: Id
    unique_id: Id
    rule: RuleName
    action: AlarmActionName
    since: str | None = None
    severity: Severity | None = None
    until: str | None = None
    comment: Annotated[str, Meta(min_length=1, max_length=COMMENT_MAX_CHARS)] | None = None
    timeline_mode: TimelineMode


AlarmRequest = Alarms | AlarmHistory | FollowAlarms | UnfollowAlarms


# --- replies ---


class AlarmInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """One alarm. `severity` is how bad it is now, None in limits; `since` the source time of its
    first value out of limits, and `changed` the time of the last change of either.
    """

    rule: str
    title: str | None = None
    scope_id: str
    lane: str
    system_id: str
    container_id: str
    unique_id: str
    message_type: str
    view_id: str = ""
    field: str
    state: AlarmStateName
    severity: Severity | None = None
    since: str | None = None
    changed: str | None = None
    crossed: str | None = None
    """Time of the first of the values that are at least as bad as it is now."""

    value: bool | float | str | None = None
    """The value of that change; None of staleness."""

    acknowledged_by: str | None = None
    comment: str | None = None
    comment_by: str | None = None
    shelved: bool = False
    shelved_by: str | None = None
    shelved_until: str | None = None
    """None: until it is unshelved."""

    disabled: bool = False


class AlarmCounts(msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How many alarms of a scope are in each state; shelved and disabled ones count in no other."""

    scope_id: str
    normal: int = 0
    raised: int = 0
    acknowledged: int = 0
    cleared: int = 0
    shelved: int = 0
    disabled: int = 0
    worst: Severity | None = None
    """Of the raised ones."""


class AlarmsResponse(Message, kw_only=True, tag="alarmsResponse"):
    """A page of alarms; the first page has the counts of all that match filters and rule. Events
    received up to `judged` are included; `behind`: that is long ago. `settled`: everything that
    was received before this time is judged.
    """

    time: str
    judged: str | None = None
    settled: str
    behind: bool = False
    counts: list[AlarmCounts] = msgspec.field(default_factory=list)
    alarms: list[AlarmInfo]
    next_key: str | None = None


class AlarmTransition(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """A change of an alarm, and the alarm after it. Without `event_id` a rule took effect, or
    something ended by itself: staleness, persistence, shelving.
    """

    time: str
    change: AlarmChangeName
    event_id: str | None = None
    alarm: AlarmInfo


class AlarmHistoryResponse(Message, kw_only=True, tag="alarmHistoryResponse"):
    """A page of transitions up to `settled`, of a request without a later stop. In canonical time
    no transition before that ever changes, so whoever continues after `resume_key` gets each once.
    """

    judged: str | None = None
    settled: str
    behind: bool = False
    transitions: list[AlarmTransition]
    resume_key: str
    next_key: str | None = None
    """None: there are no more for now."""


class AlarmsFollowed(Message, kw_only=True, tag="alarmsFollowed"):
    """What the connection follows from now on; None: nothing."""

    follow_id: str | None = None


class AlarmUpdates(Message, kw_only=True, tag="alarmUpdates"):
    """Alarms that have changed up to `time`, as they are now; a client that replaces each by it has
    the alarms of the present. `whole`: those that it had before are void. Comes about every second
    without changes too; several changes of an alarm in between are one.
    """

    follow_id: str
    time: str
    judged: str | None = None
    behind: bool = False
    whole: bool = False
    alarms: list[AlarmInfo]


AlarmReply = AlarmsResponse | AlarmHistoryResponse | AlarmsFollowed | AlarmUpdates
