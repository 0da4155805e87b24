"""Whether an archive has ever recorded an event, also if retention has deleted it since."""

from __future__ import annotations

from nova.core.store.archive import Archive


def has_recorded(archive: Archive, event_key: bytes) -> bool:
    """Whether an event has this key, or had it until it was deleted."""
    return archive.events.has(event_key) or archive.given_back.has_deleted(event_key)
