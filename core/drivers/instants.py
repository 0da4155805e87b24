"""Times of stored envelopes in nanoseconds, quickly: neighbours share their second."""

from __future__ import annotations

from sdk import timestamps
from sdk.timestamps import NS_PER_SECOND

SECOND_CHARS = len("2026-01-01T00:00:00")
NORMAL_CHARS = SECOND_CHARS + len(".000000000Z")


class Instants:
    """Reads time texts, and remembers the second that it read last."""

    def __init__(self) -> None:
        self._second = ""
        self._second_ns = 0

    def ns(self, text: str) -> int:
        """Nanoseconds since 1970."""
        if len(text) != NORMAL_CHARS or text[-1] != "Z":
            return timestamps.parse(text)
        second = text[:SECOND_CHARS]
        if second != self._second:
            # The first and the last second that int64 holds are cut short.
            whole = timestamps.parse(text) // NS_PER_SECOND
            self._second, self._second_ns = second, whole * NS_PER_SECOND
        return self._second_ns + int(text[SECOND_CHARS + 1 : -1])
