"""Seals UTC days of canonical time: reads the events of a day that is over, and has the writer
record the seal.

A day is over once a later canonical time is durable. The sealer opens the archive only then, so it
costs nothing during the day; a day that it does not finish is read again from its beginning.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from nova.core.ordering import last_key_at, time_key, time_of
from nova.core.scratch import scratch_folder
from nova.core.store.archive import Archive
from nova.core.store.day_tree import DayTree
from nova.core.store.durability_marker import read_marker
from nova.core.store.roots_file import SEALS_FOLDER, write_roots
from nova.core.store.seal_reader import sealed_days
from nova.core.store.secondary import open_secondary_archive
from nova.core.store.series_table import SeriesTable
from nova.core.utc_day import day_of, span_of
from nova.sdk import archive_id, timestamps
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.errors import ArchiveGoneError, NovaError
from nova.sdk.events.day_seal import DaySeal, make_seal
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

MEMORY_BYTES = 64 * 1024 * 1024
POLL_INTERVAL_S = 5.0
RETRY_INTERVAL_S = 30.0
"""After a fault, such as a writer that is away."""

DAY_MARGIN_NS = 10 * NS_PER_SECOND
"""How long after the end of a day by the wall clock the sealer ends it, if no event has."""

log = logging.getLogger(__name__)


class SealSubmissions(Protocol):
    """What the writer does for the sealer; `SubmissionClient` has it."""

    async def record_seal(self, seal: DaySeal) -> int: ...

    async def end_day(self, day: str) -> int: ...


class DaySealer:
    """Computes the seals that an open archive lacks. `seals` are those that it has."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.seals = sealed_days(archive)

    def next_day(self) -> str | None:
        """The first day with events that is not sealed; None if there is none."""
        after_ns = span_of(self.seals[-1].day)[1] if self.seals else NS_MIN
        lower = last_key_at(after_ns, reverse=False) if self.seals else time_key(NS_MIN)
        row = self._archive.events.first("canonical", lower)
        return None if row is None else day_of(time_of(row[0]))

    def seal(self, day: str) -> Iterator[DaySeal | None]:
        """Compute the seal of a day that is over: None after each step, and the seal at last."""
        series = SeriesTable()
        series.load(self._archive)
        tree = DayTree(series.names)
        first_ns, last_ns = span_of(day)
        lower, upper = time_key(first_ns), last_key_at(last_ns, reverse=False)
        for block, _ in self._archive.events.scan_blocks("canonical", lower, upper):
            tree.add([key for key, _ in block], [stored for _, stored in block])
            yield None
        previous = self.seals[-1] if self.seals else None
        archive = self._archive.record.archive_id() or ""
        yield make_seal(archive, day, tree.root(), tree.groups(), previous)


class SealService:
    """Keeps the seals of an instance complete."""

    def __init__(
        self,
        data: Path,
        served: ArchiveIdentity,
        submissions: SealSubmissions,
        wall_clock: Callable[[], int] = timestamps.now,
    ) -> None:
        self._data = data
        self._served = served
        self._submissions = submissions
        self._wall_clock = wall_clock
        self._open_day: str | None = None
        """The day of the first event that is not sealed, as of `_seen_ns`."""

        self._seen_ns: int | None = None

    async def run(self, poll_s: float = POLL_INTERVAL_S, retry_s: float = RETRY_INTERVAL_S) -> None:
        """Seal days as they end, until cancelled. A fault is logged, and tried again."""
        fault = ""
        while True:
            try:
                await self.advance()
                fault, wait_s = "", poll_s
            except ArchiveGoneError:
                raise
            except (NovaError, OSError) as error:
                if str(error) != fault:
                    log.warning("cannot seal", extra={"context": {"reason": str(error)}})
                fault, wait_s = str(error), retry_s
            await asyncio.sleep(wait_s)

    async def advance(self) -> None:
        """Seal the days that are over; opens the archive only if there may be one."""
        marker = read_marker(self._data)
        durable_ns = NS_MIN if marker is None else marker.canonical_ns
        if self._open_day is not None:
            _, last_ns = span_of(self._open_day)
            if durable_ns > last_ns:
                await self._seal_until(durable_ns)
            elif self._wall_clock() > last_ns + DAY_MARGIN_NS:
                await self._submissions.end_day(self._open_day)
        elif durable_ns != self._seen_ns:
            await self._seal_until(durable_ns)

    async def _seal_until(self, durable_ns: int) -> None:
        with (
            scratch_folder(SEALS_FOLDER) as scratch,
            open_secondary_archive(self._data, scratch, MEMORY_BYTES) as archive,
        ):
            archive_id.require(self._data, self._served)
            sealer = DaySealer(archive)
            self._write_roots(sealer.seals)
            while (day := sealer.next_day()) is not None and span_of(day)[1] < durable_ns:
                for seal in sealer.seal(day):
                    await asyncio.sleep(0)
                    if seal is not None:
                        await self._submissions.record_seal(seal)
                        sealer.seals.append(seal)
                        log.info("day sealed", extra={"context": {"day": day, "hash": seal.hash}})
                self._write_roots(sealer.seals)
        self._open_day, self._seen_ns = day, durable_ns

    def _write_roots(self, seals: Sequence[DaySeal]) -> None:
        if not seals:
            return
        archive_id.require(self._data, self._served)
        moved = write_roots(self._data, seals)
        if moved is not None:
            log.warning(
                "the seals in the folder were of another history; they were renamed",
                extra={"context": {"path": str(moved)}},
            )
