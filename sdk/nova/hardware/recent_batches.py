"""The newest batches of an outbox in memory, so that a publisher that keeps up reads no disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nova.hardware.outbox_rows import READ_MAX_BYTES, READ_MAX_RECORDS
from nova.sdk.transport.base import Record


class RecentBatch(NamedTuple):
    """A stored batch."""

    number: int
    size_bytes: int
    records: Sequence[Record]


RECENT_MAX_BYTES = 16 * 1024 * 1024


class RecentBatches:
    """All batches after a number, up to a size; more clear it."""

    def __init__(self, last: int, *, max_bytes: int = RECENT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._after = self._last = last
        self._batches: deque[RecentBatch] = deque()
        self._size_bytes = 0

    def add(self, batch: RecentBatch) -> None:
        """Add a batch that is stored; if another is missing before it, all are read from disk."""
        if batch.number != self._last + 1:
            self.clear(batch.number)
            return
        self._last = batch.number
        self._batches.append(batch)
        self._size_bytes += batch.size_bytes
        if self._size_bytes > self._max_bytes:
            self.clear(batch.number)

    def clear(self, last: int) -> None:
        """Begin again after a batch; what is up to it is read from the disk."""
        self._after = self._last = max(last, self._last)
        self._batches.clear()
        self._size_bytes = 0

    def unpublished(self, published: int) -> list[RecentBatch]:
        """The first batches after the last that is published, within the limits of one read; none
        if they are not here.
        """
        while self._batches and self._batches[0].number <= published:
            self._size_bytes -= self._batches.popleft().size_bytes
        return list(self._first()) if published >= self._after else []

    def _first(self) -> Iterator[RecentBatch]:
        records = size_bytes = 0
        for batch in self._batches:
            records += len(batch.records)
            size_bytes += batch.size_bytes
            is_over = records > READ_MAX_RECORDS or size_bytes > READ_MAX_BYTES
            if is_over and batch is not self._batches[0]:
                return
            yield batch
