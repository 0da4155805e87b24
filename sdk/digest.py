"""The rolling digest of events: SHA-256 over their eventIds as text, one behind the other.

It is the same for a stream, a query and an export of the same events in the same order, and anyone
can check it: `jq -j .eventId events.jsonl | sha256sum`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sdk.drivers.stream import ID_TEXT


class Digest:
    """Takes stored envelopes in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.events = 0

    def add(self, stored: Iterable[bytes]) -> None:
        """Take some more."""
        ids = [envelope[ID_TEXT] for envelope in stored]
        self.events += len(ids)
        self._hash.update(b"".join(ids))

    def text(self) -> str:
        """The digest of all that was taken."""
        return self._hash.hexdigest()
