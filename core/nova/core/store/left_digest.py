"""The digest of the events that are left of days that retention has given back."""

from __future__ import annotations

from collections.abc import Iterable

from nova.core.store.archive import Archive
from nova.sdk.events.digest import EventDigest


def left_digest(archive: Archive, event_keys: Iterable[bytes]) -> str:
    """The digest of events in order of receipt; the keys may come in any order."""
    digest = EventDigest()
    stored = archive.events.envelopes(sorted(event_keys))
    digest.add(one for one in stored if one is not None)
    return digest.text()
