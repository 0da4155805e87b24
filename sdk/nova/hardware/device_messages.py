"""Messages between a hardware host and the process of one of its devices. A call has one reply,
which carries its `ref`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from nova.hardware.device import Command
from nova.sdk.channel import FrameCodec
from nova.sdk.field_types import JsonObject
from nova.sdk.transport.base import Record

CallName = Literal["open", "read", "close"]
FailureKind = Literal["failed", "refused", "cancelled"]


class DeviceSetup(msgspec.Struct, frozen=True, kw_only=True, tag="setup"):
    """What to make; the first message of a process."""

    scope: str
    name: str
    plugin: str
    options: JsonObject
    folder: str


class DeviceCall(msgspec.Struct, frozen=True, tag="call"):
    """Call a method of the device."""

    ref: int
    method: CallName


class CommandCall(msgspec.Struct, frozen=True, tag="execute"):
    """Execute a command."""

    ref: int
    command: Command


class CancelCall(msgspec.Struct, frozen=True, tag="cancel"):
    """Cancel a call; it still gets its reply, which may be what it had by then."""

    ref: int


class ProgressError(msgspec.Struct, frozen=True):
    """Why a progress is invalid: the members of an EnvelopeError."""

    code: str
    member: str
    reason: str


class ProgressStored(msgspec.Struct, frozen=True, tag="stored"):
    """A progress was queued for publishing, or is invalid."""

    number: int
    error: ProgressError | None = None


class CallDone(msgspec.Struct, frozen=True, omit_defaults=True, tag="done"):
    """What a call returned: the records of a read, or the result of a command."""

    ref: int
    records: list[Record] = []
    refused: list[str] = []
    result: object = None


class CallFailed(msgspec.Struct, frozen=True, tag="failed"):
    """What a call raised, in one line."""

    ref: int
    reason: str
    kind: FailureKind = "failed"


class CommandReported(msgspec.Struct, frozen=True, tag="progress"):
    """A progress of the command of a call; the reply to `number` is ProgressStored."""

    ref: int
    number: int
    percent: float
    message: str | None = None


DeviceRequest = DeviceSetup | DeviceCall | CommandCall | CancelCall | ProgressStored
DeviceReply = CallDone | CallFailed | CommandReported

REQUESTS: FrameCodec[DeviceRequest] = FrameCodec(DeviceRequest)
REPLIES: FrameCodec[DeviceReply] = FrameCodec(DeviceReply)
