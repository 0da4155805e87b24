"""The newest batches of an outbox in memory, so that a publisher that keeps up reads no disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from nova.hardware.outbox_rows import READ_MAX_BYTES, READ_MAX_RECORDS
from nova.sdk.transport.base import Record


class RecentBatch(NamedTuple):
    """A stored batch."""

    number: int
    size_bytes: int
    records: Sequence[Record]


class RecentBatches:
    """All batches after a number, within the limits of one read; more clear it."""

    def __init__(self, last: int) -> None:
        self._after = self._last = last
        self._batches: deque[RecentBatch] = deque()
        self._records = self._size_bytes = 0

    def add(self, batch: RecentBatch) -> None:
        """Add a batch that is stored; if another is missing before it, all are read from disk."""
        if batch.number != self._last + 1:
            self.clear(batch.number)
            return
        self._last = batch.number
        self._batches.append(batch)
        self._records += len(batch.records)
        self._size_bytes += batch.size_bytes
        if self._records > READ_MAX_RECORDS or self._size_bytes > READ_MAX_BYTES:
            self.clear(batch.number)

    def clear(self, last: int) -> None:
        """Begin again after a batch; what is up to it is read from the disk."""
        self._after = self._last = max(last, self._last)
        self._batches.clear()
        self._records = self._size_bytes = 0

    def unpublished(self, published: int) -> list[RecentBatch]:
        """All batches after the last that is published, if they are here; else none."""
        while self._batches and self._batches[0].number <= published:
            batch = self._batches.popleft()
            self._records -= len(batch.records)
            self._size_bytes -= batch.size_bytes
        return list(self._batches) if published >= self._after else []
