"""The newest updates of a series, kept in memory in the order of source time, so that a late update
does not cause those after it to be read from the archive again.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

from nova.core.query.updates import Update, decode_update
from nova.core.store.checkpoint_store import BEFORE_ALL

OVERHEAD_BYTES = 250
"""What an update takes in memory besides its envelope."""

_KeptUpdate = tuple[bytes, int, int, bytes]
"""Position, source and canonical time in ns, and the stored envelope, which takes a third of the
memory that the decoded members would.
"""


class RecentUpdates:
    """Complete from a position on: no update of the series from there on is missing."""

    def __init__(self, complete_from: bytes = BEFORE_ALL) -> None:
        self._complete_from = complete_from
        self._kept: list[_KeptUpdate] = []
        self.size_bytes = 0

    @classmethod
    def after(cls, position: bytes) -> RecentUpdates:
        """Complete for whatever comes behind a position, which nothing has yet."""
        return cls(position + b"\0" if position else BEFORE_ALL)

    def add(self, updates: Iterable[Update]) -> None:
        """Keep updates, those before the position from which it is complete excepted."""
        for update in updates:
            if update.position >= self._complete_from:
                kept = (update.position, update.time_ns, update.canonical_ns, update.stored)
                self.size_bytes += len(update.stored) + OVERHEAD_BYTES
                if self._kept and kept < self._kept[-1]:
                    insort(self._kept, kept)
                else:
                    self._kept.append(kept)

    def since(self, position: bytes) -> Iterator[Update] | None:
        """The updates at or after a position; None if some of them may be missing."""
        if position < self._complete_from:
            return None
        return self._decoded(self._kept[bisect_left(self._kept, (position,)) :])

    @staticmethod
    def _decoded(kept: Iterable[_KeptUpdate]) -> Iterator[Update]:
        for position, time_ns, canonical_ns, stored in kept:
            yield decode_update(position, time_ns, canonical_ns, stored)

    def drop_older_half(self) -> None:
        """Forget the older half of the updates."""
        if self._kept:
            half = (len(self._kept) + 1) // 2
            self._complete_from = self._kept[half - 1][0] + b"\0"
            self._kept = self._kept[half:]
            self.size_bytes = sum(len(kept[-1]) + OVERHEAD_BYTES for kept in self._kept)
