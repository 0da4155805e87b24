"""Envelopes v1: a strict struct for every lane and messageType.

The order of members here is the order in the stored envelope. An optional member that is null
counts as absent.
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import msgspec

from nova.sdk.events.audit_entry import AuditKind
from nova.sdk.field_types import Id, JsonObject, Lane, Name, Percent, Version

STORED_HEADER = frozenset(
    (
        "eventId",
        "scopeId",
        "lane",
        "systemId",
        "containerId",
        "uniqueId",
        "sourceTruthTime",
        "canonicalTruthTime",
        "messageType",
    )
)
"""The members of a stored event that identify it; the others are its body."""


class Envelope(
    msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """The header of every envelope. Ids may be absent if the address has them."""

    event_id: str | None = None
    scope_id: str | None = None
    lane: Lane | None = None
    system_id: str | None = None
    container_id: str | None = None
    unique_id: str | None = None
    source_truth_time: str

    HEADER: ClassVar[frozenset[str]] = frozenset(
        [
            "event_id",
            "scope_id",
            "lane",
            "system_id",
            "container_id",
            "unique_id",
            "source_truth_time",
            "message_type",
            "connection_id",
            "sequence",
        ]
    )


class RawFrame(Envelope, kw_only=True):
    """Bytes as received from a device; `sequence` is a uint64."""

    frame: bytes = msgspec.field(name="bytes")
    connection_id: str | None = None
    sequence: int | None = None


class ParsedMessage(Envelope, kw_only=True):
    """A decoded message of any type."""

    message_type: Name
    schema_version: Version
    payload: JsonObject


class UiUpdate(Envelope, kw_only=True):
    """A partial upsert of one view's data."""

    message_type: Literal["UiUpdate"]
    view_id: Name
    manifest_id: Name
    manifest_version: Version
    data: JsonObject


class CommandRequest(Envelope, kw_only=True):
    """A command for a target. timelineMode is always LIVE: a replayed command is never truth."""

    message_type: Literal["CommandRequest"]
    command_id: Id
    request_id: Id
    target_id: Id
    command_type: Name
    timeline_mode: Literal["LIVE"]
    payload: JsonObject


class CommandProgress(Envelope, kw_only=True):
    """The progress of a command."""

    message_type: Literal["CommandProgress"]
    command_id: Id
    target_id: Id
    command_type: Name
    progress_percent: Percent
    message: str | None = None


class CommandResult(Envelope, kw_only=True):
    """The outcome of a command."""

    message_type: Literal["CommandResult"]
    command_id: Id
    target_id: Id
    command_type: Name
    status: Literal["success", "failure"]
    result: JsonObject | None = None
    error_message: str | None = None


class ProducerDescriptor(Envelope, kw_only=True):
    """The capabilities of a producer; `command:<commandType>` authorises a command."""

    message_type: Literal["ProducerDescriptor"]
    capabilities: list[str]
    schema_version: Version
    effective_time: str


class ManifestPublished(Envelope, kw_only=True):
    """A card manifest, in effect from `effective_time` on."""

    message_type: Literal["ManifestPublished"]
    manifest_id: Name
    manifest_version: Version
    view_id: Name
    entity_type: Name
    allowed_keys: JsonObject
    layout: JsonObject | None = None
    actions: JsonObject | None = None
    effective_time: str


class DriverBinding(Envelope, kw_only=True):
    """The driver that writes a target's files; target_id is `scope|system|container|unique`."""

    message_type: Literal["DriverBinding"]
    target_id: str
    target_lane: Lane
    stream_type: Name
    schema_version: Version | None = None
    driver_id: Name
    driver_version: Version
    effective_time: str


class ChatMessage(Envelope, kw_only=True):
    """A chat message of a person; it belongs to the scope, not to an entity."""

    message_type: Literal["ChatMessage"]
    author_display_name: str
    content: str


class AuditEvent(Envelope, kw_only=True):
    """An action of a user, for audit."""

    message_type: AuditKind
    payload: JsonObject


class MetadataEvent(Envelope, kw_only=True):
    """Metadata of any other type."""

    message_type: Name
    payload: JsonObject
    effective_time: str | None = None


AUDIT_TYPES: tuple[str, ...] = get_args(AuditKind)

BY_COMMAND_TYPE: dict[str, type[Envelope]] = {
    "CommandRequest": CommandRequest,
    "CommandProgress": CommandProgress,
    "CommandResult": CommandResult,
}
BY_METADATA_TYPE: dict[str, type[Envelope]] = {
    "ProducerDescriptor": ProducerDescriptor,
    "ManifestPublished": ManifestPublished,
    "DriverBinding": DriverBinding,
    "ChatMessage": ChatMessage,
    **dict.fromkeys(AUDIT_TYPES, AuditEvent),
}
ALL_ENVELOPES: tuple[type[Envelope], ...] = (
    RawFrame,
    ParsedMessage,
    UiUpdate,
    *BY_COMMAND_TYPE.values(),
    *dict.fromkeys(BY_METADATA_TYPE.values()),
    MetadataEvent,
)


def envelope_type(lane: str, message_type: str | None) -> type[Envelope] | None:
    """The struct for a lane and messageType; None if the lane has no such type."""
    if lane == "raw":
        return RawFrame
    if lane == "parsed":
        return ParsedMessage
    if lane == "ui":
        return UiUpdate
    if lane == "command":
        return BY_COMMAND_TYPE.get(message_type or "")
    return BY_METADATA_TYPE.get(message_type or "", MetadataEvent)


def encode(envelope: Envelope) -> bytes:
    """Compact JSON in schema order, without absent members."""
    return msgspec.json.encode(envelope)
