"""The audit trail: entries become metadata events of the entity of their principal."""

from __future__ import annotations

import re

import msgspec

from nova.core.submission_messages import AuditRecorded, RecordAudit
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.audit_entry import UNKNOWN, AuditEntry, AuditRefusal
from nova.sdk.events.event import Event, check
from nova.sdk.events.reserved import AUDIT_CONTAINER, AUDIT_SYSTEM
from nova.sdk.field_types import JsonObject

ID_MAX_CHARS = 64

_NO_ID_CHARACTER = re.compile(r"[^A-Za-z0-9_-]", re.ASCII)


class AuditTrail:
    """Records entries that other processes of the instance hand over."""

    def __init__(self, committer: Committer, queue: CommitQueue) -> None:
        self._committer = committer
        self._queue = queue

    async def record(self, request: RecordAudit) -> AuditRecorded:
        """Record entries in their order; returns the refusals once the others are durable. An
        entry that is recorded already is not recorded again.
        """
        events: list[Event] = []
        refused: list[AuditRefusal] = []
        for place, entry in enumerate(request.entries):
            try:
                events.append(audit_event(entry, self._committer.own_scope))
            except EnvelopeError as error:
                refused.append(AuditRefusal(place=place, reason=str(error)))
        await self._queue.submit(lambda committer: committer.record_all(events))
        return AuditRecorded(refused=refused)


def audit_event(entry: AuditEntry, scope_id: str) -> Event:
    """The event of an entry; the same entry always makes the same event. Raises EnvelopeError."""
    payload: JsonObject = {
        **entry.details,
        "auditId": entry.audit_id,
        "principal": entry.principal,
        "principalKind": entry.principal_kind,
    }
    envelope: JsonObject = {
        "scopeId": scope_id,
        "lane": "metadata",
        "systemId": AUDIT_SYSTEM,
        "containerId": AUDIT_CONTAINER,
        "uniqueId": _unique_id(entry.principal),
        "sourceTruthTime": entry.time,
        "messageType": entry.kind,
        "payload": payload,
    }
    return check(msgspec.json.encode(envelope))


def _unique_id(principal: str) -> str:
    """The principal as an id: Unix users may have names that are none."""
    return _NO_ID_CHARACTER.sub("_", principal)[:ID_MAX_CHARS] or UNKNOWN
