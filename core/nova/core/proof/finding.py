"""What a check finds: one event, row or seal that is not as it must be."""

from __future__ import annotations

from typing import Literal

import msgspec

from nova.core.ordering import EVENT_KEY_BYTES, time_of
from nova.core.utc_day import day_of
from nova.sdk import timestamps

FindingKind = Literal["missing", "added", "changed"]


class Finding(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One fault. `place` is the family, catalog key, day or file where it is; `time` is canonical,
    and absent where only the day is known.
    """

    kind: FindingKind
    place: str
    reason: str
    event_id: str | None = None
    time: str | None = None
    day: str | None = None

    def line(self) -> str:
        """The finding as a line for people."""
        event = f" event {self.event_id}" if self.event_id else ""
        at = f" at {self.time}" if self.time else f" on {self.day}" if self.day else ""
        return f"{self.kind}:{event}{at} ({self.place}): {self.reason}"


def finding_at(
    kind: FindingKind, place: str, reason: str, event_key: bytes, event_id: bytes = b""
) -> Finding:
    """A finding about an event, by its event key."""
    found = Finding(kind=kind, place=place, reason=reason, event_id=event_id.hex() or None)
    if len(event_key) == EVENT_KEY_BYTES:
        found.time = timestamps.text(time_of(event_key))
        found.day = day_of(time_of(event_key))
    return found


def in_order(findings: list[Finding]) -> list[Finding]:
    """Findings by their time; those of a whole day come before the others of that day."""
    return sorted(findings, key=lambda one: one.time or one.day or "~")
