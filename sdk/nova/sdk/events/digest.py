"""The rolling digest of events: SHA-256 over the concatenation of their eventIds as text.

A stream, a query and an export of the same events in the same order have the same digest. To check
it: `jq -j .eventId events.jsonl | sha256sum`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from nova.sdk.drivers.driver_stream import ID_TEXT


class EventDigest:
    """The digest of stored envelopes, added in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.events = 0

    def add(self, stored: Iterable[bytes]) -> None:
        ids = [envelope[ID_TEXT] for envelope in stored]
        self.events += len(ids)
        self._hash.update(b"".join(ids))

    def text(self) -> str:
        return self._hash.hexdigest()
