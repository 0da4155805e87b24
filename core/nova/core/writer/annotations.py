"""Annotations: chat messages, notes, and what users do with alarms."""

from __future__ import annotations

import time

import msgspec

from nova.core.errors import RequestError
from nova.core.submission_messages import Principal
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import SCOPE_TOKEN
from nova.sdk.errors import EnvelopeError, TimestampError
from nova.sdk.events.event import Event, Series, check
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.alarm_messages import ActOnAlarm
from nova.sdk.protocol.note_messages import NoteAck, SubmitNote
from nova.sdk.protocol.submission import AcknowledgeAlarm, AlarmAck, ChatAck, SubmitChat
from nova.sdk.shown_text import name_fault

ALARM_ACTION = "AlarmAction"
NOTE = "UserNote"
ACTION_MEMBERS = {
    "acknowledge": ("since", "severity", "comment"),
    "comment": ("comment",),
    "shelve": ("until", "comment"),
}
"""The members that an action has beside its alarm; those that it may lack are in OPTIONAL."""

ENTITY_IDS = 3
TIMES = ("since", "until")
OPTIONAL = (("acknowledge", "comment"), ("shelve", "until"), ("shelve", "comment"))


class Annotations:
    """Records annotations as metadata events; their author is the principal's user."""

    def __init__(self, committer: Committer, queue: CommitQueue, own_scope: str) -> None:
        self._committer = committer
        self._queue = queue
        self._own_scope = own_scope

    async def chat(self, principal: Principal, message: SubmitChat) -> ChatAck:
        """Record a ChatMessage; raises RequestError for a scope without events in this archive."""
        self._require_scope(message.scope_id)
        body: JsonObject = {"authorDisplayName": principal.user, "content": message.content}
        event = _metadata(message.scope_id, (SCOPE_TOKEN,) * 3, "ChatMessage", body)
        return ChatAck(event_id=event.event_id.hex(), time=await self._record(event))

    async def note(self, principal: Principal, note: SubmitNote) -> NoteAck:
        """Record a UserNote of the scope; raises RequestError for an unknown scope or entity, or
        times that are no range. One in source time is dated at what it is about, so that it is
        found there, like late data; its `writtenTime` says when it was written.
        """
        self._require_scope(note.scope_id)
        written = timestamps.text(time.time_ns())
        payload: JsonObject = {"user": principal.user, "writtenTime": written}
        source = written
        if said := _note_texts(note):
            payload |= {**said, "timebase": note.timebase, **_note_times(note, written)}
            payload |= self._note_target(note)
            if note.timebase == "source":
                source = str(payload["fromTime"])
        elif note.replaces is None:
            raise RequestError(
                "badRequest", "a note needs text or title, or replaces to withdraw that note"
            )
        if note.replaces is not None:
            payload["replaces"] = note.replaces
        body: JsonObject = {"payload": payload, "sourceTruthTime": source}
        event = _metadata(note.scope_id, (SCOPE_TOKEN,) * 3, NOTE, body)
        return NoteAck(event_id=event.event_id.hex(), time=await self._record(event))

    async def acknowledge(
        self, principal: Principal, acknowledgement: AcknowledgeAlarm
    ) -> AlarmAck:
        """Record the AlarmAction that acknowledges a manifest's limit; raises RequestError if the
        entity has no such view.
        """
        ids = (acknowledgement.system_id, acknowledgement.container_id, acknowledgement.unique_id)
        view = Series(acknowledgement.scope_id, "ui", *ids, "UiUpdate", acknowledgement.view_id)
        if self._committer.series.number(view) is None:
            where = "/".join((acknowledgement.scope_id, *ids))
            raise RequestError("unknownTarget", f"{where} has no view {acknowledgement.view_id!r}")
        since = _normal_time("since", acknowledgement.since)
        payload: JsonObject = {
            "rule": f"{acknowledgement.view_id}:{acknowledgement.key}",
            "action": "acknowledge",
            "user": principal.user,
            "since": since,
            "severity": acknowledgement.severity,
        }
        event = _metadata(acknowledgement.scope_id, ids, ALARM_ACTION, {"payload": payload})
        return AlarmAck(event_id=event.event_id.hex(), time=await self._record(event))

    async def act_on_alarm(self, principal: Principal, done: ActOnAlarm) -> AlarmAck:
        """Record an AlarmAction; raises RequestError if the entity is unknown, or a member that the
        action needs is missing.
        """
        ids = (done.system_id, done.container_id, done.unique_id)
        where = "/".join((done.scope_id, *ids))
        if not self._committer.series.has_entity((done.scope_id, *ids)):
            raise RequestError("unknownTarget", f"{where} has no events in this archive")
        payload: JsonObject = {"rule": done.rule, "action": done.action, "user": principal.user}
        for member in ACTION_MEMBERS.get(done.action, ()):
            value = getattr(done, member)
            if value is None and (done.action, member) not in OPTIONAL:
                raise RequestError("badRequest", f"action {done.action!r} needs {member}")
            if value is not None:
                payload[member] = _normal_time(member, value) if member in TIMES else value
        until = payload.get("until")
        if isinstance(until, str) and timestamps.parse(until) <= time.time_ns():
            raise RequestError("badTime", f"until {until} is past: give a time to come")
        event = _metadata(done.scope_id, ids, ALARM_ACTION, {"payload": payload})
        return AlarmAck(event_id=event.event_id.hex(), time=await self._record(event))

    def _require_scope(self, scope_id: str) -> None:
        names = self._committer.series.names
        if scope_id != self._own_scope and all(name.scope_id != scope_id for name in names):
            raise RequestError("unknownScope", f"scope {scope_id!r} is not in this archive")

    def _note_target(self, note: SubmitNote) -> JsonObject:
        """The entity that a note is about, as a member of its payload."""
        given = [one for one in (note.system_id, note.container_id, note.unique_id) if one]
        if not given:
            return {}
        if len(given) != ENTITY_IDS:
            raise RequestError(
                "badRequest", "an entity needs systemId, containerId and uniqueId: give all or none"
            )
        system_id, container_id, unique_id = given
        if not self._committer.series.has_entity(
            (note.scope_id, system_id, container_id, unique_id)
        ):
            where = "/".join((note.scope_id, *given))
            raise RequestError("unknownTarget", f"{where} has no events in this archive")
        return {"targetId": "|".join((note.scope_id, *given))}

    async def _record(self, event: Event) -> str:
        """Record the event; returns its canonical time as text once it is durable."""
        at_ns = await self._queue.submit(lambda committer: committer.record(event))
        assert at_ns is not None, "two equal annotations in one nanosecond"
        return timestamps.text(at_ns)


def _note_texts(note: SubmitNote) -> JsonObject:
    """What a note says; nothing of one that only withdraws another."""
    if note.title is not None and note.to_time is None:
        raise RequestError("badRequest", "title: it names a range. Give toTime, or leave it out")
    if note.title is not None and (fault := name_fault(note.title)) is not None:
        raise RequestError("badRequest", f"title: {fault}")
    texts = {"title": note.title, "text": note.text}
    return {member: text for member, text in texts.items() if text is not None}


def _note_times(note: SubmitNote, now: str) -> JsonObject:
    start = now if note.from_time is None else _normal_time("fromTime", note.from_time)
    if note.to_time is None:
        return {"fromTime": start}
    stop = _normal_time("toTime", note.to_time)
    if timestamps.parse(stop) < timestamps.parse(start):
        raise RequestError("badRange", f"toTime {stop} is before fromTime {start}")
    return {"fromTime": start, "toTime": stop}


def _normal_time(member: str, text: str) -> str:
    try:
        return timestamps.normal(text)
    except TimestampError as error:
        raise RequestError("badTime", f"{member} {error}") from None


def _metadata(scope_id: str, ids: tuple[str, ...], message_type: str, body: JsonObject) -> Event:
    system_id, container_id, unique_id = ids
    envelope: JsonObject = {
        "scopeId": scope_id,
        "lane": "metadata",
        "systemId": system_id,
        "containerId": container_id,
        "uniqueId": unique_id,
        "sourceTruthTime": timestamps.text(time.time_ns()),
        "messageType": message_type,
        **body,
    }
    try:
        return check(msgspec.json.encode(envelope))
    except EnvelopeError as error:
        raise RequestError("badRequest", error.reason) from None
