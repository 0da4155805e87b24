"""Events as inputs of the fold of alarms, in the order of a timebase."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import NamedTuple, cast

import msgspec

from nova.core.alarms.alarm_fold import ACTION, CONTEXT, VALUE, AlarmInput, event_position
from nova.core.alarms.alarm_machine import AlarmAction
from nova.core.alarms.limit_book import LimitBook
from nova.core.alarms.rule_judge import RuleJudge
from nova.core.ordering import Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import EventKey, event_keys
from nova.core.query.lookup import look_up
from nova.core.store.alarm_store import AlarmName
from nova.core.store.keys import event_id_of
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.alarms.alarm_rule import SEVERITIES, TEXT_MAX_CHARS, rank_of
from nova.sdk.errors import TimestampError
from nova.sdk.events.event import Series
from nova.sdk.protocol.alarm_messages import AlarmActionName
from nova.sdk.timestamps import NS_MAX, NS_MIN

ALARM_ACKNOWLEDGED, ALARM_ACTION = "AlarmAcknowledged", "AlarmAction"
ACTION_TYPES = (ALARM_ACKNOWLEDGED, ALARM_ACTION)
PART_EVENTS = 500
BACK_EVENTS = 20
"""Read at once to find a last value, which is mostly the first one."""

VALUE_MAX_CHARS = TEXT_MAX_CHARS + 1
"""A longer text equals no value of a rule."""

PART_MAX_BYTES = 4 * 1024 * 1024
ACTION_KINDS = ("acknowledge", "comment", "shelve", "unshelve", "disable", "enable")


class EventBody(msgspec.Struct, rename="camel"):
    """The decoded members of an event of any lane that alarms read."""

    source_truth_time: str
    payload: dict[str, object] | None = None
    data: dict[str, object] | None = None
    manifest_id: str = ""
    manifest_version: str = ""


class DecodedEvent(NamedTuple):
    """An event with its times and its lane's priority."""

    canonical_ns: int
    source_ns: int
    lane: int
    event_id: bytes
    body: EventBody

    def position(self, timebase: Timebase) -> bytes:
        return event_position(self.time_ns(timebase), self.lane, self.event_id)

    def time_ns(self, timebase: Timebase) -> int:
        return self.source_ns if timebase == "source" else self.canonical_ns


_body_decoder = msgspec.json.Decoder(EventBody)


def decode_event(canonical_ns: int, series: Series, stored: bytes) -> DecodedEvent:
    body = _body_decoder.decode(stored)
    source_ns = timestamps.parse(body.source_truth_time)
    lane = LANE_PRIORITY[series.lane]
    return DecodedEvent(canonical_ns, source_ns, lane, event_id_of(stored), body)


def path_of(name: AlarmName) -> tuple[str, ...]:
    """The members that lead to the field; a manifest's keys are none of a path."""
    return tuple(name.field.split(".")) if name.rule_scope else (name.field,)


def value_at(body: EventBody, path: tuple[str, ...]) -> object:
    """The scalar at a path, of a text its beginning; None if there is none."""
    value: object = body.payload if body.data is None else body.data
    for member in path:
        if not isinstance(value, dict):
            return None
        value = value.get(member)
    if isinstance(value, str):
        return value[:VALUE_MAX_CHARS]
    return value if isinstance(value, int | float) else None


class TargetedAction(NamedTuple):
    """An action on the alarms of a rule and an entity."""

    rule_id: str
    action: AlarmAction


def action_of(message_type: str, body: EventBody) -> TargetedAction | None:
    """The action in an event; None if its payload has another form: in other scopes anybody may
    publish it.
    """
    payload = body.payload or {}
    if message_type == ALARM_ACKNOWLEDGED:
        rule_id, kind = f"{payload.get('viewId')}:{payload.get('key')}", "acknowledge"
    else:
        rule_id, kind = str(payload.get("rule")), str(payload.get("action"))
    if kind not in ACTION_KINDS:
        return None
    severity = payload.get("severity")
    try:
        since_ns = _time(payload.get("since"), NS_MAX)
        until_ns = _time(payload.get("until"), None)
    except TimestampError:
        return None
    assert since_ns is not None
    return TargetedAction(
        rule_id,
        AlarmAction(
            kind=cast("AlarmActionName", kind),
            user=str(payload.get("user", "")),
            since_ns=since_ns,
            rank=rank_of(severity) if severity in SEVERITIES else len(SEVERITIES),
            until_ns=until_ns,
            comment=str(payload.get("comment", "")),
        ),
    )


def _time(text: object, default: int | None) -> int | None:
    return timestamps.parse(text) if isinstance(text, str) else default


def value_input(
    event: DecodedEvent, name: AlarmName, limits: LimitBook, timebase: Timebase, value: object
) -> AlarmInput:
    """A value as an input."""
    time_ns = event.time_ns(timebase)
    judge = judge_of_event(event, name, limits, timebase, time_ns)
    position = event_position(time_ns, event.lane, event.event_id)
    return AlarmInput(position, VALUE, time_ns, event.source_ns, event.event_id, value, None, judge)


def judge_of_event(
    event: DecodedEvent, name: AlarmName, limits: LimitBook, timebase: Timebase, time_ns: int
) -> RuleJudge | None:
    """What judges a value at a time, where its event names it."""
    if name.rule_scope:
        return None
    manifest = (event.body.manifest_id, event.body.manifest_version)
    return limits.judge(timebase, manifest, name.field, time_ns)


def context_input(event: DecodedEvent, timebase: Timebase, value: object) -> AlarmInput:
    """A value of a context as an input."""
    position, time_ns = event.position(timebase), event.time_ns(timebase)
    return AlarmInput(position, CONTEXT, time_ns, event.source_ns, event.event_id, value)


def action_input(event: DecodedEvent, timebase: Timebase, action: AlarmAction) -> AlarmInput:
    """An action as an input."""
    position, time_ns = event.position(timebase), event.time_ns(timebase)
    return AlarmInput(position, ACTION, time_ns, event.source_ns, event.event_id, None, action)


def is_enabling(item: AlarmInput) -> bool:
    """Whether an input enables an alarm, so that its last value is judged again."""
    return item.action is not None and item.action.kind == "enable"


class AlarmInputReader:
    """Reads from an archive what concerns an alarm, up to a receive time; the archive catches up to
    there first.
    """

    def __init__(self, snapshot: ArchiveSnapshot, limits: LimitBook) -> None:
        self._snapshot = snapshot
        self._limits = limits

    def inputs(
        self, name: AlarmName, timebase: Timebase, from_ns: int, until_ns: int
    ) -> Iterator[AlarmInput]:
        """The inputs from a time on that were received up to `until_ns`, in order."""
        sources = [self._values(name, timebase, from_ns, until_ns)]
        if name.context is not None:
            sources.append(self._contexts(name, timebase, from_ns, until_ns))
        for message_type in ACTION_TYPES:
            sources.append(self._actions(name, message_type, timebase, from_ns, until_ns))
        return merge(*sources, key=lambda item: item[:2])

    def _values(
        self, name: AlarmName, timebase: Timebase, from_ns: int, until_ns: int
    ) -> Iterator[AlarmInput]:
        path = path_of(name)
        for event in self._events(name.series, timebase, from_ns, until_ns):
            value = value_at(event.body, path)
            if value is not None:
                yield value_input(event, name, self._limits, timebase, value)

    def _contexts(
        self, name: AlarmName, timebase: Timebase, from_ns: int, until_ns: int
    ) -> Iterator[AlarmInput]:
        assert name.context is not None
        path = tuple(name.context.field.split("."))
        for event in self._events(name.context.series, timebase, from_ns, until_ns):
            value = value_at(event.body, path)
            if value is not None:
                yield context_input(event, timebase, value)

    def _actions(
        self, name: AlarmName, message_type: str, timebase: Timebase, from_ns: int, until_ns: int
    ) -> Iterator[AlarmInput]:
        of = name.series
        ids = (of.system_id, of.container_id, of.unique_id)
        series = Series(of.scope_id, "metadata", *ids, message_type, "")
        for event in self._events(series, timebase, from_ns, until_ns):
            found = action_of(message_type, event.body)
            if found is not None and found.rule_id == name.rule_id:
                item = action_input(event, timebase, found.action)
                yield self.with_last_value(item, name, timebase, until_ns)

    def with_last_value(
        self, item: AlarmInput, name: AlarmName, timebase: Timebase, until_ns: int
    ) -> AlarmInput:
        """An input that enables an alarm with the last value before it of those received up to
        `until_ns`, and what judges that value by then; any other input as it is.
        """
        if not is_enabling(item):
            return item
        path, time_ns = path_of(name), item.time_ns
        for event in self._events(name.series, timebase, NS_MIN, until_ns, before_ns=time_ns):
            value = value_at(event.body, path)
            if value is not None and event.position(timebase) < item.position:
                judge = judge_of_event(event, name, self._limits, timebase, time_ns)
                return item._replace(value=value, source_ns=event.source_ns, judge=judge)
        return item

    def _events(
        self,
        series: Series,
        timebase: Timebase,
        from_ns: int,
        until_ns: int,
        before_ns: int | None = None,
    ) -> Iterator[DecodedEvent]:
        """The events of a series from a time on that were received up to `until_ns`; with
        `before_ns` those up to this time, the last one first.
        """
        number = self._snapshot.series.number(series)
        if number is None:
            return
        self._snapshot.refresh(until_ns)
        last_ns = until_ns if timebase == "canonical" else NS_MAX
        is_back = before_ns is not None
        if before_ns is not None:
            last_ns = min(last_ns, before_ns)
        keys = event_keys(
            self._snapshot, number, timebase, last_ns, reverse=is_back, from_ns=from_ns
        )
        wanted = (key for key in keys if time_of(key.canonical_key) <= until_ns)
        size = BACK_EVENTS if is_back else PART_EVENTS
        while part := list(islice(wanted, size)):
            yield from self._decoded(series, part)

    def _decoded(self, series: Series, part: list[EventKey]) -> Iterator[DecodedEvent]:
        keys = [key.canonical_key for key in part]
        while keys:
            found = look_up(self._snapshot.archive, keys, sorted(keys), PART_MAX_BYTES)
            for key, stored in zip(keys, found, strict=False):
                yield decode_event(time_of(key), series, stored)
            keys = keys[len(found) :]
