"""Submissions from a reader to the writer and the replies to them: MessagePack frames on the
writer's socket.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from nova.sdk.alarms.sent_notification import SentNotification
from nova.sdk.channel import FrameCodec
from nova.sdk.errors import ProtocolError
from nova.sdk.events.audit_entry import ActorKind, AuditEntry, AuditRefusal
from nova.sdk.events.day_seal import DaySeal
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import Error, Message
from nova.sdk.protocol.submission import Role, Submission

T = TypeVar("T")

PATH: Final = "/submissions"
FRAME_MAX_BYTES = 32 * 1024 * 1024
"""Fits the largest import request and the overhead of its encoding."""

LOCAL_CONNECTION = "local"
"""The connection name of a client that reaches the reader's socket without an edge."""


class Principal(msgspec.Struct, array_like=True, frozen=True):
    """The principal of a submission, as edge and reader know it, not as the client claims it.

    `connection` identifies the client's connection in logs. `is_replaying`: its timeline was in
    replay when the submission arrived. `scopes` and `lanes` are those that it may see and command,
    None for all. `kind`: a user or an API key of an edge, a Unix user of this machine, or the
    instance itself.
    """

    user: str
    role: Role
    connection: str = ""
    is_replaying: bool = False
    scopes: tuple[str, ...] | None = None
    lanes: tuple[Lane, ...] | None = None
    kind: ActorKind = "user"


INSTANCE = Principal("nova", "admin", kind="instance")
"""The principal of processes of the instance, which no connection to a reader can be."""


class RecordAudit(Message, kw_only=True, tag="recordAudit"):
    """Record entries of the audit trail in their order. Clients have no such message."""

    entries: list[AuditEntry]


class AuditRecorded(Message, kw_only=True, tag="auditRecorded"):
    """The entries are durable, except for those that cannot be events."""

    refused: list[AuditRefusal]


class RecordDaySeal(Message, kw_only=True, tag="recordDaySeal"):
    """Record the seal of a day. Clients have no such message."""

    seal: DaySeal


class DaySealRecorded(Message, kw_only=True, tag="daySealRecorded"):
    """The seal is durable, as is everything up to this canonical time in ns."""

    canonical_ns: int


class EndDay(Message, kw_only=True, tag="endDay"):
    """Assign a canonical time after a UTC day that is over. Clients have no such message."""

    day: str


class DayEnded(Message, kw_only=True, tag="dayEnded"):
    """A canonical time after the day, in ns, is durable."""

    canonical_ns: int


class RecordNotification(Message, kw_only=True, tag="recordNotification"):
    """Record what became of a notification. Clients have no such message."""

    notification: SentNotification


class NotificationRecorded(Message, kw_only=True, tag="notificationRecorded"):
    """The notification is durable as an event."""


InstanceRequest = RecordAudit | RecordDaySeal | EndDay | RecordNotification
"""What processes of the instance may ask for, and no client."""


class SubmissionRequest(msgspec.Struct, array_like=True):
    """One submission. `ref` is chosen by the reader and returned with the reply. `received_s` is
    when the reader received it, by `time.monotonic`, which all processes of a machine share.
    `request_id` identifies the client's request in logs and errors.
    """

    ref: int
    principal: Principal
    submission: Submission | InstanceRequest
    received_s: float
    request_id: str = ""


class SubmissionReply(msgspec.Struct, array_like=True):
    """The reply to the submission `ref`, as JSON: a protocol message, or that of an
    InstanceRequest.
    """

    ref: int
    reply: bytes


REQUESTS: FrameCodec[SubmissionRequest] = FrameCodec(SubmissionRequest)
REPLIES: FrameCodec[SubmissionReply] = FrameCodec(SubmissionReply)

_audit_reply: msgspec.json.Decoder[AuditRecorded | Error] = msgspec.json.Decoder(
    AuditRecorded | Error
)


_seal_reply: msgspec.json.Decoder[DaySealRecorded | DayEnded | Error] = msgspec.json.Decoder(
    DaySealRecorded | DayEnded | Error
)


_notification_reply: msgspec.json.Decoder[NotificationRecorded | Error] = msgspec.json.Decoder(
    NotificationRecorded | Error
)


def decode_notification_reply(frame: bytes) -> NotificationRecorded | Error:
    """Decode the reply to RecordNotification; raises ProtocolError if it is invalid."""
    return _decode(_notification_reply, frame)


def decode_seal_reply(frame: bytes) -> DaySealRecorded | DayEnded | Error:
    """Decode the reply to RecordDaySeal or EndDay; raises ProtocolError if it is invalid."""
    return _decode(_seal_reply, frame)


def decode_audit_reply(frame: bytes) -> AuditRecorded | Error:
    """Decode the reply to RecordAudit; raises ProtocolError if it is invalid."""
    return _decode(_audit_reply, frame)


def _decode(decoder: msgspec.json.Decoder[T], frame: bytes) -> T:
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError("badReply", str(error)) from None
