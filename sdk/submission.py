"""What clients submit to be recorded: commands, chat, acknowledged alarms, what an import brings
back; and their answers.

A client says what it wants and in which mode its timeline is. Who it is, the edge adds.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sdk.canonical import canonical_json
from sdk.envelope import Id, JsonObject, Name
from sdk.errors import CanonicalError, ProtocolError
from sdk.message import NUMBER_MAX, Message, TimelineMode

CHAT_MAX_CHARS = 4_000
INTEGERS_HELD = range(-(2**63), 2**64)
"""What MessagePack takes between the processes."""

INTEGERS_EXACT = range(-NUMBER_MAX, NUMBER_MAX + 1)
TOO_LARGE = "{} is an integer beyond ±(2^53−1): give it as text"
NOT_FINITE = "{} is no finite number, and JSON has no other"
PATH_MAX_CHARS = 200
"""Of the path of a member that an error names."""

Role = Literal["admin", "operator", "viewer"]
SUBMITTING_ROLES: tuple[Role, ...] = ("admin", "operator")
IMPORTING_ROLES: tuple[Role, ...] = ("admin",)
IMPORT_MAX_EVENTS = 500

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


class ImportEvents(Message, kw_only=True, tag="importEvents"):
    """Record events of the Core's own kinds as they were, with their ids: envelopes as text, of
    which a stored one's receive time is no part.
    """

    events: Annotated[list[str], Meta(min_length=1, max_length=IMPORT_MAX_EVENTS)]
    timeline_mode: TimelineMode


Submission = SubmitCommand | SubmitChat | AcknowledgeAlarm | ImportEvents


def roles_for(what: Submission) -> tuple[Role, ...]:
    """Who may submit this."""
    return IMPORTING_ROLES if isinstance(what, ImportEvents) else SUBMITTING_ROLES


def check_numbers(payload: JsonObject) -> None:
    """Raises ProtocolError `badArguments` naming a number that JSON has no form for or that 64 bits
    do not hold: no process could hand it to the next. Asked wherever a command is read or written.
    """
    _check_numbers(payload, INTEGERS_HELD)


def check_payload(payload: JsonObject) -> None:
    """Raises ProtocolError `badArguments` naming what no envelope can hold."""
    _check_numbers(payload, INTEGERS_EXACT)
    try:
        canonical_json(payload)
    except CanonicalError as error:
        raise ProtocolError("badArguments", f"payload is {error}") from None


def _check_numbers(payload: JsonObject, held: range) -> None:
    waiting: list[tuple[str, object]] = [("payload", payload)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += ((f"{path}.{key}", one) for key, one in value.items())
        elif isinstance(value, list | tuple):
            waiting += ((f"{path}[{place}]", one) for place, one in enumerate(value))
        elif isinstance(value, int) and value not in held:
            raise ProtocolError("badArguments", TOO_LARGE.format(path[:PATH_MAX_CHARS]))
        elif isinstance(value, float) and not math.isfinite(value):
            raise ProtocolError("badArguments", NOT_FINITE.format(path[:PATH_MAX_CHARS]))


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


class ImportRefusal(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Why one event of an import was refused; `place` is its index."""

    place: int
    code: str
    member: str
    reason: str


class ImportAck(Message, kw_only=True, tag="importAck"):
    """What became of the events of an import; the new ones are durable."""

    new: int
    duplicate: int
    rejected: list[ImportRefusal]


SubmissionReply = CommandAck | ChatAck | AlarmAck | ImportAck
