"""Submissions of clients that a Core records: commands, chat, notes, acknowledged alarms and
imports, with their replies.

A client states its request and its timeline mode. The edge adds the user and the role.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.address import ID_MAX_CHARS
from nova.sdk.errors import CanonicalError, ProtocolError
from nova.sdk.events.canonical import canonical_json
from nova.sdk.field_types import Id, JsonObject, Name
from nova.sdk.field_types import Role as Role
from nova.sdk.protocol.alarm_messages import ActOnAlarm
from nova.sdk.protocol.message import NUMBER_MAX, Message, TimelineMode
from nova.sdk.protocol.note_messages import NoteAck, SubmitNote

CHAT_MAX_CHARS = 4_000
MSGPACK_INTEGERS = range(-(2**63), 2**64)
"""The integers that MessagePack, the encoding between processes, can hold."""

EXACT_INTEGERS = range(-NUMBER_MAX, NUMBER_MAX + 1)
TOO_LARGE = "{} is an integer beyond ±(2^53−1): give it as text"
NOT_FINITE = "{} is not a finite number and has no JSON form"
PATH_MAX_CHARS = 200
"""The length to which an error shortens the path of a member."""

SUBMITTING_ROLES: tuple[Role, ...] = ("admin", "operator")
IMPORTING_ROLES: tuple[Role, ...] = ("admin",)
IMPORT_MAX_EVENTS = 500

USER_HEADER = "Nova-User"
ROLE_HEADER = "Nova-Role"
CONNECTION_HEADER = "Nova-Connection"
REPLAYING_HEADER = "Nova-Replaying"
KIND_HEADER = "Nova-Principal-Kind"
SCOPES_HEADER = "Nova-Scopes"
LANES_HEADER = "Nova-Lanes"
"""Headers by which an edge describes its client to a reader. The user is percent-encoded; scopes
and lanes are separated by commas, and absent for all of them.
"""

SCOPES_MAX = 1_000
"""Scopes to which a user or key can be limited."""

IDENTITY_HEADER_MAX_BYTES = SCOPES_MAX * (ID_MAX_CHARS + 1)
"""The length of the longest of these headers, which a reader must accept."""


class SubmitCommand(Message, kw_only=True, tag="submitCommand"):
    """Record a command and send it to its target, once per requestId."""

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
    """Record a chat message for all users of a scope."""

    scope_id: Id
    content: Annotated[str, Meta(min_length=1, max_length=CHAT_MAX_CHARS)]
    timeline_mode: TimelineMode


class AcknowledgeAlarm(Message, kw_only=True, tag="acknowledgeAlarm"):
    """Record that the user has seen the alarm of a value, which lasts since `since`."""

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
    """Record events of reserved kinds unchanged, with their eventIds: envelopes as text, without
    the receive time of stored ones.
    """

    events: Annotated[list[str], Meta(min_length=1, max_length=IMPORT_MAX_EVENTS)]
    timeline_mode: TimelineMode


Submission = SubmitCommand | SubmitChat | SubmitNote | AcknowledgeAlarm | ActOnAlarm | ImportEvents


def roles_for(submission: Submission) -> tuple[Role, ...]:
    """The roles that may submit this."""
    return IMPORTING_ROLES if isinstance(submission, ImportEvents) else SUBMITTING_ROLES


def limit_reason(
    submission: Submission, scopes: Sequence[str] | None, lanes: Sequence[str] | None
) -> str:
    """Why a principal that is limited to scopes or lanes (None: all) may not submit this; empty if
    it may.
    """
    if isinstance(submission, ImportEvents):
        is_limited = scopes is not None or lanes is not None
        return "imports need access to all scopes and lanes" if is_limited else ""
    if scopes is not None and submission.scope_id not in scopes:
        return f"your access does not include scope {submission.scope_id!r}"
    lane = "command" if isinstance(submission, SubmitCommand) else "metadata"
    if lanes is not None and lane not in lanes:
        return f"your access does not include the {lane} lane"
    return ""


def check_numbers(payload: JsonObject) -> None:
    """Raise ProtocolError `badArguments` that names a number which has no JSON form or exceeds 64
    bits, since such a number cannot pass between processes. Called wherever a command is read or
    written.
    """
    _check_numbers(payload, MSGPACK_INTEGERS)


def check_payload(payload: JsonObject) -> None:
    """Raise ProtocolError `badArguments` that names the first value no envelope can hold."""
    _check_numbers(payload, EXACT_INTEGERS)
    try:
        canonical_json(payload)
    except CanonicalError as error:
        raise ProtocolError("badArguments", f"payload is {error}") from None


def _check_numbers(payload: JsonObject, allowed: range) -> None:
    waiting: list[tuple[str, object]] = [("payload", payload)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += ((f"{path}.{key}", one) for key, one in value.items())
        elif isinstance(value, list | tuple):
            waiting += ((f"{path}[{place}]", one) for place, one in enumerate(value))
        elif isinstance(value, int) and value not in allowed:
            raise ProtocolError("badArguments", TOO_LARGE.format(path[:PATH_MAX_CHARS]))
        elif isinstance(value, float) and not math.isfinite(value):
            raise ProtocolError("badArguments", NOT_FINITE.format(path[:PATH_MAX_CHARS]))


class CommandAck(Message, kw_only=True, tag="commandAck"):
    """The command is recorded; `time` is its canonical time. Without `failure` its transport has
    accepted it; with it the dispatch failed, and this is the errorMessage of the CommandResult that
    is recorded. A repeated requestId gets the ids of the first reply with `duplicate`, or
    `mismatch` if the command differs, and nothing about the dispatch: the record has it.
    """

    request_id: str
    command_id: str
    event_id: str
    time: str
    failure: str | None = None
    duplicate: bool = False
    mismatch: bool = False


class ChatAck(Message, kw_only=True, tag="chatAck"):
    """The message is recorded; `time` is its canonical time."""

    event_id: str
    time: str


class AlarmAck(Message, kw_only=True, tag="alarmAck"):
    """What was done with the alarm is recorded; `time` is its canonical time."""

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
    """The outcome of an import; its new events are durable."""

    new: int
    duplicate: int
    rejected: list[ImportRefusal]


SubmissionReply = CommandAck | ChatAck | NoteAck | AlarmAck | ImportAck
