"""The outbox log: ordered records in the host's database until their transport has stored them.

Records that are appended together are a batch, one row. One that is offered while nothing else is
unpublished may be published first, and is stored only if that takes long.

The log is bounded. One that drops deletes its oldest batches when it is full, but never those being
published; the deleted records are counted and reported to `on_lost` first. One that does not drop
requires its writer to check `has_room` and wait, and it syncs: a source that can wait may forget
what the log has.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from nova.hardware import outbox_rows
from nova.hardware.host_database import HostDatabase, completed
from nova.hardware.lost_records import LostRecords
from nova.hardware.outbox_rows import BatchRow
from nova.hardware.recent_batches import RecentBatch, RecentBatches
from nova.sdk.transport.base import Record

DROPPED_BYTES = 4 * 1024 * 1024
"""How much is dropped at once, or a DROPPED_SHARE of the limit if that is less."""
DROPPED_SHARE = 0.25


class LogPosition(NamedTuple):
    """The last batch of a read, and the bytes of all that it read."""

    number: int
    size_bytes: int


class OfferedBatch:
    """A batch that is being published, and not stored unless somebody asks for it."""

    def __init__(self, records: Sequence[Record], position: LogPosition) -> None:
        self.records = records
        self.position = position
        self.published = asyncio.Event()
        self.is_being_stored = False


class OutboxLog:
    """The batches of one outbox, with one reader."""

    def __init__(
        self,
        database: HostDatabase,
        link: str,
        kind: str,
        max_bytes: int,
        on_lost: Callable[[LostRecords], Awaitable[None]],
        *,
        drops: bool = True,
        dropped_bytes: int = DROPPED_BYTES,
    ) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self._on_lost = on_lost
        self._drops = drops
        self._dropped_bytes = min(dropped_bytes, int(max_bytes * DROPPED_SHARE))
        self._range = database.call(partial(outbox_rows.numbers_of, link=link, kind=kind))
        self.end, self.size_bytes = database.call(partial(outbox_rows.extent, numbers=self._range))
        """The newest batch; and the bytes that are not published."""
        self.published = self._range.start - 1
        """The batch up to which everything is published."""
        self.undeleted_batches = self.undeleted_bytes = 0
        """What is published and still stored."""
        self._read_until = self.published
        self._recent = RecentBatches(self.end)
        # What is read is not dropped, and what is being dropped is not read.
        self._reading = asyncio.Lock()

    # --- writing ----------------------------------------------------------------------------------

    async def append(self, records: Sequence[Record], *, may_drop: bool = True) -> None:
        """Append records; raises OSError if they cannot be stored. A cancelled caller gets its
        CancelledError when they are, or with the error as its cause.
        """
        rows = list(outbox_rows.rows_of(records))
        size_bytes = sum(len(row.content) for row in rows)
        is_cancelled = False
        if self._drops and may_drop and self.size_bytes + size_bytes > self._max_bytes:
            making = asyncio.ensure_future(self._make_room(size_bytes))
            is_cancelled = await completed(making)
            making.result()
        try:
            last = await self._store(rows, size_bytes)
        except OSError as error:
            if is_cancelled:
                raise asyncio.CancelledError from error
            raise
        if len(rows) == 1:
            self._recent.add(RecentBatch(last, size_bytes, records))
        else:
            self._recent.clear(last)
        if is_cancelled:
            raise asyncio.CancelledError

    def offer(self, records: Sequence[Record]) -> OfferedBatch | None:
        """A batch for the reader to publish at once, before it is stored; None if something else is
        unpublished, or the batch is larger than a read.
        """
        if not self.is_empty or not outbox_rows.is_one_batch(records):
            return None
        self.end += 1
        size_bytes = outbox_rows.values_bytes(records)
        self.size_bytes += size_bytes
        self._read_until = self.end
        self._recent.clear(self.end)
        return OfferedBatch(records, LogPosition(self.end, size_bytes))

    async def store_offered(self, batch: OfferedBatch) -> None:
        """Store a batch that was offered, unless it is published; raises as `append` does."""
        if batch.published.is_set():
            return
        batch.is_being_stored = True
        rows = list(outbox_rows.rows_of(batch.records))
        work = partial(outbox_rows.insert, first=batch.position.number, rows=rows)
        size_bytes = batch.position.size_bytes
        await self._database.run(work, is_synced=not self._drops, size_bytes=size_bytes)

    async def _store(self, rows: Sequence[BatchRow], size_bytes: int) -> int:
        """Store rows; returns the number of the last."""
        first = self.end + 1
        self.end += len(rows)
        self.size_bytes += size_bytes
        try:
            work = partial(outbox_rows.insert, first=first, rows=rows)
            await self._database.run(work, is_synced=not self._drops, size_bytes=size_bytes)
        except BaseException as error:
            if not isinstance(error, asyncio.CancelledError) or error.__cause__ is not None:
                self.size_bytes -= size_bytes
            raise
        return first + len(rows) - 1

    def has_room(self, records: Sequence[Record], reserve: float = 0.0) -> bool:
        """Whether records fit without dropping; `reserve` is an extra share of the limit.

        An empty log has room for everything, or records over the limit would wait for ever.
        """
        if self._drops or self.is_empty:
            return True
        more_bytes = sum(len(record.value) for record in records)
        return self.size_bytes + more_bytes <= self._max_bytes * (1 + reserve)

    async def _make_room(self, more_bytes: int) -> None:
        async with self._reading:
            while (excess := self.size_bytes + more_bytes - self._max_bytes) > 0:
                kept = max(self.published, self._read_until)
                oldest = range(kept + 1, self._range.stop)
                wanted = max(excess, self._dropped_bytes)
                last, lost = await self._database.run(
                    partial(outbox_rows.loss_of_oldest, numbers=oldest, size_bytes=wanted)
                )
                if lost is None:
                    return
                await self._on_lost(lost)
                await self._database.run(
                    partial(outbox_rows.delete, numbers=range(kept + 1, last + 1))
                )
                self.size_bytes -= lost.size_bytes or 0
                self._recent.clear(self.end)

    # --- reading ----------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether everything is published."""
        return self.size_bytes == 0

    async def read(self) -> tuple[list[Record], LogPosition]:
        """The oldest records, and the position to commit once they are published.

        Without a commit the next read begins with the same. A damaged batch is reported as lost.
        """
        while not self.is_empty:
            async with self._reading:
                if recent := self._recent.unpublished(self.published):
                    self._read_until = recent[-1].number
                    return _records_of(recent)
                unread = range(self.published + 1, self._range.stop)
                found = await self._database.run(partial(outbox_rows.select, numbers=unread))
                records, position = _records(found, self.published)
                self._read_until = position.number
            if records or not found:
                return records, position
            number, damaged = found[0]
            size_bytes = len(damaged.content)
            await self._on_lost(
                LostRecords("a damaged place in the buffer", damaged.records, size_bytes)
            )
            await self.commit(LogPosition(number, size_bytes))
        return [], LogPosition(self.published, 0)

    async def commit(self, position: LogPosition) -> None:
        """Mark what a read gave as published, and delete it. If OSError is raised it is not read
        again by this process, and deleted with the next.
        """
        self.mark_published(position)
        await self.delete_published()

    def mark_published(self, position: LogPosition) -> None:
        """Mark what a read gave as published. Until it is deleted, the next host publishes it
        again.
        """
        if position.number > self.published:
            self.undeleted_batches += position.number - self.published
            self.undeleted_bytes += position.size_bytes
            self.published = position.number
            self.size_bytes -= position.size_bytes

    def mark_offered_published(self, batch: OfferedBatch) -> None:
        """Mark a batch that was offered as published; there is nothing to delete of one that nobody
        has stored.
        """
        batch.published.set()
        self.mark_published(batch.position)
        if not batch.is_being_stored:
            self.undeleted_batches -= 1
            self.undeleted_bytes -= batch.position.size_bytes

    async def delete_published(self) -> None:
        """Delete what is marked as published; raises OSError if that cannot be stored."""
        if not self.undeleted_batches:
            return
        size_bytes, self.undeleted_bytes, self.undeleted_batches = self.undeleted_bytes, 0, 0
        done = range(self._range.start, self.published + 1)
        work = partial(outbox_rows.delete, numbers=done)
        try:
            await self._database.run(work, size_bytes=size_bytes)
        except OSError:
            self.undeleted_batches += 1  # So that they are deleted with the next.
            raise


def _records(
    found: Sequence[tuple[int, BatchRow]], published: int
) -> tuple[list[Record], LogPosition]:
    """The records of batches up to the first damaged one, and their position."""
    records: list[Record] = []
    last, size_bytes = published, 0
    for number, row in found:
        if zlib.crc32(row.content) != row.crc32:
            break
        records += outbox_rows.records_of(row)
        last, size_bytes = number, size_bytes + len(row.content)
    return records, LogPosition(last, size_bytes)


def _records_of(batches: Sequence[RecentBatch]) -> tuple[list[Record], LogPosition]:
    """The records of batches that are in memory, and their position."""
    records = [record for batch in batches for record in batch.records]
    size_bytes = sum(batch.size_bytes for batch in batches)
    return records, LogPosition(batches[-1].number, size_bytes)
