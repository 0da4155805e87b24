"""Common parts of protocol messages: their base, the filters, and member types."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nova.sdk.events.reserved import AUDIT_CONTAINER, AUDIT_SYSTEM
from nova.sdk.field_types import Lane

Timebase = Literal["source", "canonical"]
TimelineMode = Literal["LIVE", "REPLAY"]
NUMBER_MAX = 2**53 - 1
Number = Annotated[int, Meta(ge=-NUMBER_MAX, le=NUMBER_MAX)]
"""An integer that JSON parsers of all languages read exactly."""

Ref = str | Number | None
RequestId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
EventId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
KNOWN_MAX = 100
KnownEvents = Annotated[list[EventId], Meta(max_length=KNOWN_MAX)]
"""Events that the client of a request has."""


class Message(
    msgspec.Struct,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    tag_field="type",
    forbid_unknown_fields=True,
):
    """Base of all messages."""

    ref: Ref = None


class Filters(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Selects events; every member narrows the selection, an absent one does not."""

    scope_ids: list[str] | None = None
    lanes: list[Lane] | None = None
    system_id: str | None = None
    container_id: str | None = None
    unique_id: str | None = None
    message_types: list[str] | None = None
    view_id: str | None = None
    command_id: str | None = None


class GivenBackInfo(
    msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True, forbid_unknown_fields=True
):
    """Retention has deleted the events of a scope and lane that were received before `until`. Of
    views the updates remain that later states follow from.
    """

    scope_id: str
    lane: Lane
    until: str


def names_audit(filters: Filters) -> bool:
    """Whether filters ask for the audit trail by name, without which nothing shows it."""
    return filters.system_id == AUDIT_SYSTEM and filters.container_id == AUDIT_CONTAINER
