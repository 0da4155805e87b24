"""The submission handler: checks who may submit what, and passes it to the handler of its kind.

The edge makes the same checks earlier. The writer repeats them, because it alone is responsible for
the archive and the edge may be bypassed.
"""

from __future__ import annotations

import logging

from nova.core.errors import RequestError
from nova.core.submission_messages import (
    INSTANCE,
    EndDay,
    InstanceRequest,
    Principal,
    RecordAudit,
    RecordDaySeal,
    RecordNotification,
)
from nova.core.writer.annotations import Annotations
from nova.core.writer.audit_trail import AuditTrail
from nova.core.writer.command_handler import CommandHandler
from nova.core.writer.import_handler import ImportHandler
from nova.core.writer.notification_trail import NotificationTrail
from nova.core.writer.seal_trail import SealTrail
from nova.sdk.protocol.alarm_messages import ActOnAlarm
from nova.sdk.protocol.messages import Message
from nova.sdk.protocol.note_messages import SubmitNote
from nova.sdk.protocol.submission import (
    AcknowledgeAlarm,
    ImportEvents,
    Submission,
    SubmitChat,
    SubmitCommand,
    limit_reason,
    roles_for,
)

REPLAY_REFUSAL = (
    "submissions are refused in REPLAY: the events last served on this connection, or its cursor, "
    "are in the past; start a LIVE stream first, and wait until it has reached the present"
)

log = logging.getLogger(__name__)


class SubmissionHandler:
    """Handles submissions of all kinds."""

    def __init__(
        self,
        scope_id: str | None,
        commands: CommandHandler,
        annotations: Annotations,
        imports: ImportHandler,
        audit: AuditTrail,
        seals: SealTrail,
        notifications: NotificationTrail,
    ) -> None:
        self._scope_id = scope_id
        self._commands = commands
        self._annotations = annotations
        self._imports = imports
        self._audit = audit
        self._seals = seals
        self._notifications = notifications

    async def handle(
        self, principal: Principal, submission: Submission | InstanceRequest, received_s: float
    ) -> Message:
        """The reply to a submission that a reader received at `received_s` (`time.monotonic`); it
        raises RequestError if it is refused.
        """
        if isinstance(submission, InstanceRequest):
            return await self._record_own(principal, submission)
        self._authorize(principal, submission)
        kind = str(submission.__struct_config__.tag)
        log.info("submission", extra={"context": {"kind": kind}})
        match submission:
            case SubmitCommand():
                return await self._commands.submit(principal, submission, received_s)
            case SubmitChat():
                return await self._annotations.chat(principal, submission)
            case SubmitNote():
                return await self._annotations.note(principal, submission)
            case AcknowledgeAlarm():
                return await self._annotations.acknowledge(principal, submission)
            case ActOnAlarm():
                return await self._annotations.act_on_alarm(principal, submission)
            case ImportEvents():
                return await self._imports.import_events(principal, submission)

    async def _record_own(self, principal: Principal, request: InstanceRequest) -> Message:
        if principal != INSTANCE:
            raise RequestError(
                "forbidden",
                "audit trail, seals and notifications are written by the instance only",
            )
        match request:
            case RecordAudit():
                return await self._audit.record(request)
            case RecordDaySeal():
                return await self._seals.record(request)
            case EndDay():
                return await self._seals.end_day(request)
            case RecordNotification():
                return await self._notifications.record(request)

    def _authorize(self, principal: Principal, submission: Submission) -> None:
        if principal.role not in roles_for(submission):
            kind = submission.__struct_config__.tag
            raise RequestError("forbidden", f"your role ({principal.role}) cannot send {kind}")
        if principal.is_replaying or submission.timeline_mode != "LIVE":
            log.warning(
                "submission refused in replay",
                extra={"context": {"connection": principal.connection}},
            )
            raise RequestError("replayRefused", REPLAY_REFUSAL)
        if reason := limit_reason(submission, principal.scopes, principal.lanes):
            raise RequestError("forbidden", reason)
        if isinstance(submission, ImportEvents):
            return  # Each of its events names its scope and is checked for it.
        if self._scope_id not in (None, submission.scope_id):
            raise RequestError(
                "unknownScope",
                f"this instance accepts scope {self._scope_id!r}, not {submission.scope_id!r}",
            )
