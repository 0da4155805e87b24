"""Reserved kinds: events of a scope that only its own Core may write.

A Core refuses them from transports if they claim its own scope, where they would speak in its name.
In any other scope they come from that scope's authority and are stored like all events.
"""

from __future__ import annotations

from nova.sdk.errors import EnvelopeError
from nova.sdk.events.envelope import AUDIT_TYPES
from nova.sdk.events.event import Series

CORE_SYSTEMS = frozenset(("nova", "tcpStream"))
"""Events of these systems are the Core's, on every lane."""

CORE_TYPES = frozenset(
    (
        "ManifestPublished",
        "DriverBinding",
        "IngestGap",
        "AlarmRulePublished",
        "AlarmAcknowledged",
        "AlarmAction",
        "UserNote",
        "NotificationSent",
        *AUDIT_TYPES,
    )
)
"""Reserved types of the metadata lane."""


AUDIT_SYSTEM, AUDIT_CONTAINER = "nova", "audit"
"""The entities that hold the audit trail, one for each principal."""

NOTIFICATION_SYSTEM, NOTIFICATION_CONTAINER = "nova", "notifications"
"""The entities that hold what was sent to the targets of notifications, one for each."""


def is_audit(series: Series) -> bool:
    """Whether a series belongs to the audit trail."""
    return is_audit_entity(series.system_id, series.container_id)


def is_audit_entity(system_id: str, container_id: str) -> bool:
    """Whether an entity with these ids holds the audit trail of a principal."""
    return system_id == AUDIT_SYSTEM and container_id == AUDIT_CONTAINER


def reserved_member(lane: str, system_id: str, message_type: str) -> str | None:
    """The member that makes an event one of the reserved kinds; None if it is not one."""
    if system_id in CORE_SYSTEMS:
        return "systemId"
    return "messageType" if lane == "metadata" and message_type in CORE_TYPES else None


def require_unreserved(series: Series) -> None:
    """Raise EnvelopeError if a series of the Core's own scope is of a reserved kind."""
    member = reserved_member(series.lane, series.system_id, series.message_type)
    if member is not None:
        value = series.system_id if member == "systemId" else series.message_type
        raise EnvelopeError(
            "reserved",
            member,
            f"only this Core writes {member} {value!r} of scope {series.scope_id!r}: transports "
            "cannot deliver it; an administrator can import it with `nova import`",
        )


def require_reserved(series: Series) -> None:
    """Raise EnvelopeError if an event is not of a reserved kind, whatever its scope."""
    if reserved_member(series.lane, series.system_id, series.message_type) is None:
        kind = series.message_type or series.lane
        raise EnvelopeError(
            "notReserved",
            "messageType",
            f"{kind!r} of {series.system_id} is not a kind that only a Core writes: publish it "
            "over a transport",
        )
