"""Annotations: chat messages and alarm acknowledgements that users submit."""

from __future__ import annotations

import time

import msgspec

from core.errors import QueryError
from core.submission import Asker
from core.writer.commit import Committer
from core.writer.entries import Entries
from sdk import timestamps
from sdk.address import SCOPE_TOKEN
from sdk.envelope import JsonObject
from sdk.errors import EnvelopeError, TimestampError
from sdk.event import Event, Series, check
from sdk.submission import AcknowledgeAlarm, AlarmAck, ChatAck, SubmitChat

ALARM_ACKNOWLEDGED = "AlarmAcknowledged"


class Remarks:
    """Records annotations as metadata events; their author is the principal's user."""

    def __init__(self, committer: Committer, entries: Entries, own_scope: str) -> None:
        self._committer = committer
        self._entries = entries
        self._own_scope = own_scope

    async def chat(self, asker: Asker, said: SubmitChat) -> ChatAck:
        """Record a ChatMessage; raises QueryError for a scope without events in this archive."""
        names = self._committer.series.names
        if said.scope_id != self._own_scope and all(n.scope_id != said.scope_id for n in names):
            raise QueryError("unknownScope", f"scope {said.scope_id!r} is not in this archive")
        body: JsonObject = {"authorDisplayName": asker.user, "content": said.content}
        event = _metadata(said.scope_id, (SCOPE_TOKEN,) * 3, "ChatMessage", body)
        return ChatAck(event_id=event.event_id.hex(), time=await self._record(event))

    async def acknowledge(self, asker: Asker, seen: AcknowledgeAlarm) -> AlarmAck:
        """Record an AlarmAcknowledged; raises QueryError if the entity has no such view."""
        ids = (seen.system_id, seen.container_id, seen.unique_id)
        view = Series(seen.scope_id, "ui", *ids, "UiUpdate", seen.view_id)
        if self._committer.series.number(view) is None:
            where = "/".join((seen.scope_id, *ids))
            raise QueryError("unknownTarget", f"{where} has no view {seen.view_id!r}")
        try:
            since = timestamps.normal(seen.since)
        except TimestampError as error:
            raise QueryError("badTime", f"since {error}") from None
        payload: JsonObject = {
            "viewId": seen.view_id,
            "key": seen.key,
            "severity": seen.severity,
            "since": since,
            "user": asker.user,
        }
        event = _metadata(seen.scope_id, ids, ALARM_ACKNOWLEDGED, {"payload": payload})
        return AlarmAck(event_id=event.event_id.hex(), time=await self._record(event))

    async def _record(self, event: Event) -> str:
        """Record the event; returns its canonical time as text once it is durable."""
        at_ns = await self._entries.enter(lambda committer: committer.record(event))
        assert at_ns is not None, "two equal annotations in one nanosecond"
        return timestamps.text(at_ns)


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
        raise QueryError("badRequest", error.reason) from None
