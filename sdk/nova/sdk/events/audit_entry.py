"""Entries of the audit trail, as the processes of an instance hand them to its Core."""

from __future__ import annotations

import secrets
from typing import Final, Literal

import msgspec

from nova.sdk import timestamps
from nova.sdk.field_types import JsonObject

AuditKind = Literal[
    "UserLogin",
    "UserLogout",
    "CommandSubmitted",
    "ExportRequested",
    "ReadRequested",
    "EventsImported",
    "AdminAction",
    "AuditGap",
    "DayGivenBack",
]
ActorKind = Literal["user", "key", "local", "instance"]

AUDIT_PATH: Final = "/audit"
"""Where a reader receives entries from the edges of its instance."""

EXPORT_NAME_CHARS = 8
"""The part of an export's id that its entries name: the whole id is part of its address."""

UNKNOWN = "unknown"
"""The principal of a failed login, which nobody has proved to be."""


class AuditEntry(
    msgspec.Struct, kw_only=True, rename="camel", frozen=True, forbid_unknown_fields=True
):
    """What a principal did at a time. `audit_id` is random, so that an entry which is handed over
    twice is one event. `details` never contain a secret.
    """

    kind: AuditKind
    audit_id: str
    time: str
    principal: str
    principal_kind: ActorKind
    details: JsonObject


class AuditRefusal(
    msgspec.Struct, kw_only=True, rename="camel", frozen=True, forbid_unknown_fields=True
):
    """Why an entry cannot be an event; `place` is its index."""

    place: int
    reason: str


def new_entry(
    kind: AuditKind,
    principal: str,
    principal_kind: ActorKind,
    details: JsonObject,
    *,
    at_ns: int | None = None,
) -> AuditEntry:
    """An entry with an id of its own, by default of now."""
    return AuditEntry(
        kind=kind,
        audit_id=secrets.token_hex(16),
        time=timestamps.text(timestamps.now() if at_ns is None else at_ns),
        principal=principal,
        principal_kind=principal_kind,
        details=details,
    )
