"""What clients submit to be recorded: commands, chat, acknowledged alarms; and their answers.

A client says what it wants and in which mode its timeline is. Who it is, the edge adds.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sdk.envelope import Id, JsonObject, Name
from sdk.message import Message, TimelineMode

CHAT_MAX_CHARS = 4_000

Role = Literal["admin", "operator", "viewer"]
SUBMITTING_ROLES: tuple[Role, ...] = ("admin", "operator")

USER_HEADER = "Nova-User"
ROLE_HEADER = "Nova-Role"
CONNECTION_HEADER = "Nova-Connection"
REPLAYING_HEADER = "Nova-Replaying"
"""What an edge says of its client when it connects to a reader; the user is percent-encoded."""


class SubmitCommand(Message, kw_only=True, tag="submitCommand"):
    """Record a command and send it to its target, once for ever under its requestId."""

    scope_id: Id
    command_id: Id
    request_id: Id
    target_id: Id
    command_type: Name
    payload: JsonObject = msgspec.field(default_factory=dict)
    timeline_mode: TimelineMode
    system_id: Id | None = None
    container_id: Id | None = None


class SubmitChat(Message, kw_only=True, tag="submitChat"):
    """Record what the user says to all who watch a scope."""

    scope_id: Id
    content: Annotated[str, Meta(min_length=1, max_length=CHAT_MAX_CHARS)]
    timeline_mode: TimelineMode


class AcknowledgeAlarm(Message, kw_only=True, tag="acknowledgeAlarm"):
    """Record that the user has seen a value's alarm, which lasts since a time."""

    scope_id: Id
    system_id: Id
    container_id: Id
    unique_id: Id
    view_id: Name
    key: Annotated[str, Meta(min_length=1, max_length=128)]
    severity: Literal["warning", "critical"]
    since: str
    timeline_mode: TimelineMode


Submission = SubmitCommand | SubmitChat | AcknowledgeAlarm


class CommandAck(Message, kw_only=True, tag="commandAck"):
    """The command is recorded; `time` is its canonical time. A repeated requestId gets the first
    answer as a `duplicate`, and as a `mismatch` if it asked for something else.
    """

    request_id: str
    command_id: str
    event_id: str
    time: str
    duplicate: bool = False
    mismatch: bool = False


class ChatAck(Message, kw_only=True, tag="chatAck"):
    """What was said is recorded; `time` is its canonical time."""

    event_id: str
    time: str


class AlarmAck(Message, kw_only=True, tag="alarmAck"):
    """The acknowledgement is recorded; `time` is its canonical time."""

    event_id: str
    time: str


SubmissionReply = CommandAck | ChatAck | AlarmAck
