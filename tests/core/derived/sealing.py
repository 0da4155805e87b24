"""An archive of several days, and its writer that seals them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from nova.core.derived.day_sealer import SealService
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.durability_marker import write_marker
from nova.core.submission_messages import EndDay, RecordDaySeal
from nova.core.utc_day import NS_PER_DAY
from nova.core.writer import commit_queue
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.core.writer.seal_trail import SealTrail
from nova.sdk import archive_id, timestamps
from nova.sdk.events.day_seal import DaySeal
from nova.sdk.transport.base import Batch, Record

DAY_NS = timestamps.parse("2026-01-01T00:00:00Z")
HOUR_NS = NS_PER_DAY // 24


class SettableClock:
    """A wall clock that a test sets."""

    def __init__(self, ns: int = DAY_NS) -> None:
        self.ns = ns

    def __call__(self) -> int:
        return self.ns


class SealedArchive:
    """A writer of an archive at set times. It commits each write at once, as the pipeline would."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.clock = SettableClock()
        self.archive = Archive.open_primary(data)
        ensure_id(self.archive, data)
        self.committer = Committer(self.archive, data, own_scope="sat", clock=self.clock)
        self._queue = CommitQueue(self._commit_queued)
        self._trail = SealTrail(self.committer, self._queue)
        self.settle()

    def put(self, at_ns: int, records: list[Record]) -> None:
        """Store records that are received at a time."""
        self.clock.ns = at_ns
        self.committer.add_batch("link", Batch(records))
        self.settle()

    def settle(self) -> None:
        """Close the open commit and make it durable."""
        self.committer.close_commit()
        self.archive.sync()
        write_marker(self.data, self.committer.marker())

    def _commit_queued(self) -> None:
        # The queue wakes the commit stage, which runs the write a moment later.
        asyncio.get_running_loop().call_soon(self._run_queued)

    def _run_queued(self) -> None:
        writes, _ = self._queue.run(self.committer)
        self.settle()
        commit_queue.complete(writes)

    async def record_seal(self, seal: DaySeal) -> int:
        """What the writer does with a seal, over the encoding of the wire."""
        request = msgspec.json.decode(
            msgspec.json.encode(RecordDaySeal(seal=seal)), type=RecordDaySeal
        )
        return (await self._trail.record(request)).canonical_ns

    async def end_day(self, day: str) -> int:
        """What the writer does at the end of a day."""
        return (await self._trail.end_day(EndDay(day=day))).canonical_ns

    def service(self) -> SealService:
        """A sealer of this archive, as its process has it."""
        served = archive_id.require(self.data, archive_id.ANY_ARCHIVE)
        return SealService(self.data, served, self, self.clock)

    async def seal_all(self, steps: int = 4) -> None:
        """Let a new sealer do its work until there is none."""
        service = self.service()
        for _ in range(steps):
            await service.advance()

    def close(self) -> None:
        self.archive.close()
