"""Reserved kinds: the events that in a scope only its own Core writes.

A Core refuses them from transports where they claim its own scope, for they would speak in its
name. In any other scope they are what that scope's authority says, and are stored like all else.
"""

from __future__ import annotations

from sdk.envelope import AUDIT_TYPES
from sdk.errors import EnvelopeError
from sdk.event import Series

CORE_SYSTEMS = frozenset(("nova", "tcpStream"))
"""Whatever is told of these systems is the Core's, on every lane."""

CORE_TYPES = frozenset(
    ("ManifestPublished", "DriverBinding", "IngestGap", "AlarmAcknowledged", *AUDIT_TYPES)
)
"""Types of the metadata lane."""


def reserved_member(lane: str, system_id: str, message_type: str) -> str | None:
    """The member that makes an event one of the Core's own kinds; None if it is not one."""
    if system_id in CORE_SYSTEMS:
        return "systemId"
    return "messageType" if lane == "metadata" and message_type in CORE_TYPES else None


def require_unreserved(series: Series) -> None:
    """Raise EnvelopeError where a series of the Core's own scope is one of its own kinds."""
    member = reserved_member(series.lane, series.system_id, series.message_type)
    if member is not None:
        value = series.system_id if member == "systemId" else series.message_type
        raise EnvelopeError(
            "reserved",
            member,
            f"{member} {value!r} of scope {series.scope_id!r} is written by this Core alone: no "
            "transport brings it; an administrator's `nova import` does",
        )


def require_reserved(series: Series) -> None:
    """Raise EnvelopeError where an event is none of the Core's own kinds, of whatever scope."""
    if reserved_member(series.lane, series.system_id, series.message_type) is None:
        kind = series.message_type or series.lane
        raise EnvelopeError(
            "notReserved",
            "messageType",
            f"{kind!r} of {series.system_id} is no kind of the Core's own: publish it over a "
            "transport",
        )
