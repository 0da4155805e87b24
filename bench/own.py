"""NOVA's own writer and reader in process: the one place where the measurements touch their code.

`WriterSide` writes and `ReaderSide` reads. Everything else in this folder knows only
these two, and the processes.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from unittest.mock import patch

from bench.peer_stamp import CHUNK_CURSOR, CHUNK_EVENTS, CHUNK_ID
from nova.core.commit_feed import CommitFrame
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.derived.sampler import Sampler
from nova.core.effect.moment import moment_at
from nova.core.effect.published import PublishedMetadata
from nova.core.ordering import TIME_BYTES, Timebase, order_key, time_key, time_of
from nova.core.query import summary
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_writer import open_for_writing
from nova.core.query.discover import Discovery
from nova.core.query.entity_page import encode_page
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import latest_event
from nova.core.query.manifest_page import manifest_page
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.sample_query import SampleQueries
from nova.core.query.ui_state import UiStates
from nova.core.server.live_stream import LiveStream, LiveTail
from nova.core.store.archive import Archive
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.keys import FAMILIES
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.core.writer import writer_state
from nova.core.writer.additions import NOTHING
from nova.core.writer.feed_server import FeedServer
from nova.core.writer.pipeline import Writer
from nova.core.writer.stages import stage_list
from nova.sdk import endpoints, timestamps
from nova.sdk.events.checker import Checker
from nova.sdk.protocol.messages import Filters, GetUiState, chunk_frame
from nova.sdk.protocol.timeline import Sample, SampleResponse, Summary, SummaryResponse
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription
from nova.sdk.transport.link import LinkState

LINK = SCOPE = "bench"
BATCH_EVENTS = 2_000
"""A commit of the writer's, and of every peer's."""

UI_ONLY = Filters(lanes=["ui"])
CROWD_START_S = 1.0
SST_BYTES = "rocksdb.total-sst-files-size"


class Premade:
    """A transport with prepared batches: measures the writer's intake without a broker.

    The clock runs from the acknowledgement of the first batches, with which the writer's processes
    start and warm up, to that of the last.
    """

    link = LINK

    def __init__(self, batches: Iterable[Sequence[Record]], warm_up: Callable[[], int]) -> None:
        self._batches = batches
        self._warm_up = warm_up
        self._given = self._taken = self._timed = 0
        self._started = time.perf_counter()
        self._is_all_given = False
        self.done = asyncio.Event()
        self.seconds = 0.0

    @property
    def rate_hz(self) -> float:
        """Records a second that became durable."""
        return self._timed / self.seconds

    async def consume(self, _: Subscription, __: Positions) -> AsyncIterator[Batch]:
        """Yield all batches, then block."""
        for part in self._batches:
            self._given += 1
            yield Batch(part)
            await asyncio.sleep(0)
        self._is_all_given = True
        self._look_whether_done()
        await asyncio.Event().wait()

    async def acknowledge(self, batch: Batch, _: Receipt) -> None:
        """Take the time once all batches are durable."""
        self._taken += 1
        if self._taken <= self._warm_up():
            self._started = time.perf_counter()
        else:
            self._timed += len(batch.records)
            self.seconds = time.perf_counter() - self._started
        self._look_whether_done()

    def _look_whether_done(self) -> None:
        if self._is_all_given and self._taken == self._given:
            self.done.set()

    def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Not used here."""
        raise NotImplementedError

    def state(self) -> LinkState:
        """Always connected."""
        return LinkState(connected=True)

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Not used here."""
        raise NotImplementedError

    async def close(self) -> None:
        """Nothing is open."""


class WriterSide:
    """An archive opened as the writer opens it."""

    def __init__(self, data: Path) -> None:
        self._archive = Archive.open_primary(data)
        self._settings = Settings(data=str(data))
        self._checker = Checker()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    @property
    def events(self) -> int:
        """How many events the archive holds."""
        return self._archive.record.counters().events

    def ingest(
        self, batches: Iterable[Sequence[Record]], warm_up: Callable[[], int] = lambda: 0
    ) -> float:
        """Ingest batches until all are durable; returns records per second of all
        but the first, of which `warm_up` says how many they are.
        """
        return asyncio.run(self._ingest(Premade(batches, warm_up)))

    async def _ingest(self, source: Premade) -> float:
        server = FeedServer(endpoints.writer_socket(self._settings.data_folder()))
        writer = Writer(self._settings, self._archive, server)
        working = asyncio.create_task(writer.run([source]))
        ended = asyncio.create_task(source.done.wait())
        await asyncio.wait((working, ended), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
        working.cancel()
        await asyncio.wait((working,))
        writer.finish()
        return source.rate_hz

    def look_up(self, records: Sequence[Record]) -> tuple[int, float]:
        """How many of the records the archive holds, and the seconds of the look-up alone."""
        events = [self._checker.check(record.value, record.address) for record in records]
        keys = [order_key(event.source_ns, event.lane, event.event_id) for event in events]
        started = time.perf_counter()
        found = self._archive.events.event_keys(keys)
        seconds = time.perf_counter() - started
        return len(found) - found.count(None), seconds

    def flush(self) -> None:
        """Flush memtables to tables, so that sizes cover everything."""
        for family in self._archive.families.values():
            family.flush()

    def compact(self) -> None:
        """Compact every family to its last level, where most of an old archive lies."""
        for family in self._archive.families.values():
            family.compact_range(None, None)

    def bytes_per_family(self) -> dict[str, int]:
        """Bytes of each family's tables."""
        return {name: _sst_bytes(self._archive, name) for name in FAMILIES}


@contextmanager
def uncounted() -> Iterator[None]:
    """Writers opened in the block maintain no rollups."""
    with (
        patch.object(stage_list, "count_rollups", return_value=NOTHING),
        patch.object(writer_state, "backfill", return_value=()),
    ):
        yield


def forget_samples(data: Path) -> None:
    """Reset the sampler."""
    shutil.rmtree(data / SAMPLES_FOLDER, ignore_errors=True)


def checkpoint(data: Path) -> tuple[int, float]:
    """Bring the checkpoints up to date with an archive; returns updates and seconds."""
    with open_for_writing(data, CheckpointStore) as (view, store):
        started = time.perf_counter()
        updates = sum(CheckpointMaker(view, store).make(_newest_ns(view.archive)))
        return updates, time.perf_counter() - started


def sample(data: Path) -> tuple[int, float]:
    """Run a sampler to the end of an archive; returns events and seconds."""
    with open_for_writing(data, SampleStore) as (view, store):
        started = time.perf_counter()
        events = sum(Sampler(view, store).sample(_newest_ns(view.archive)))
        return events, time.perf_counter() - started


def _newest_ns(archive: Archive) -> int:
    return archive.record.last_canonical_ns()


class ReaderSide:
    """An archive opened as a reader opens it: a secondary, with the durable mark of its last
    event.
    """

    def __init__(self, data: Path, scratch: Path) -> None:
        self._archive = Archive.open_secondary(data, scratch)
        self._view = ArchiveSnapshot(self._archive)
        self._archive.catch_up()
        self._view.advance(_newest_ns(self._archive))
        self._view.refresh()
        self._samples = SampleQueries(self._view, data, scratch / "samples")
        self._states = UiStates(self._view, data, scratch / "checkpoints")
        self._published = PublishedMetadata(self._view, SCOPE)
        self._discovery = Discovery(self._view, self._published)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._samples.close()
        self._states.close()
        self._archive.close()

    async def summary(self, request: Summary, timebase: Timebase) -> SummaryResponse:
        """How many events there are, by time and lane."""
        return await summary.summarize(self._view, request, timebase)

    async def ui_state(self, request: GetUiState, timebase: Timebase, at_ns: int) -> int:
        """The states of views at a time; returns their number."""
        return len((await self._states.respond(request, timebase, at_ns)).states)

    async def discover(self, timebase: Timebase, at_ns: int, limit: int) -> int:
        """The first `limit` entities with descriptors, in as many pages as they take, as frames
        with the manifests; how many there are.
        """
        selection, at = EventFilter(Filters(), self._view.series), moment_at(timebase, at_ns)
        manifests = manifest_page(self._published.manifests(at), None, PAGE_MAX_BYTES).manifests
        entities, after = 0, None
        while entities < limit:
            page = await self._discovery.page(
                selection, at, limit=limit - entities, after_key=after
            )
            encode_page(7, timestamps.text(at_ns), page, manifests)
            entities, after = entities + len(page.entities), page.next_key
            if after is None:
                break
        return entities

    async def sample(self, request: Sample, timebase: Timebase) -> SampleResponse:
        """Numbers of a series, by time."""
        return await self._samples.respond(request, timebase)

    async def live_us(self, clients: int, commits: int, events: int) -> float:
        """µs of processor time for each client and commit of `events` ui events, which all clients
        follow LIVE, without sockets.
        """
        hits = self._reading(UI_ONLY, Span("canonical")).read_slice(events)
        crowd = _LiveCrowd(self._view, clients)
        await crowd.start()
        started = time.process_time()
        for number in range(commits):
            first_ns = self._view.watermark + 1
            made = [
                (time_key(first_ns + place) + key[TIME_BYTES:], stored)
                for place, (key, stored) in enumerate(hits)
            ]
            await crowd.tail.apply(CommitFrame(first_ns + len(made), [], made))
            await crowd.until_received((number + 1) * clients * len(made))
        took_s = time.process_time() - started
        crowd.end()
        return took_s / commits / clients * 1e6

    def replay(self, timebase: Timebase) -> int:
        """Everything in order as frames; returns the number of events."""
        reading = self._reading(Filters(), Span(timebase))
        events = 0
        while not reading.done:
            found = reading.read_slice(CHUNK_EVENTS)
            chunk_frame(CHUNK_ID, CHUNK_CURSOR, [stored for _, stored in found], None)
            events += len(found)
        return events

    def seek(self, timebase: Timebase, at_ns: int) -> bytes:
        """The first event at or after a time."""
        reading = self._reading(Filters(), Span(timebase, at_ns))
        while not reading.done:
            for _, stored in reading.read_slice(1):
                return stored
        return b""

    def of_entity(self, filters: Filters, at_ns: int, count: int) -> int:
        """Read up to `count` filtered events from a source time on; returns how many."""
        reading = self._reading(filters, Span("source", at_ns))
        events = 0
        while events < count and not reading.done:
            events += len(reading.read_slice(min(CHUNK_EVENTS, count - events)))
        return events

    def newest(self, filters: Filters, timebase: Timebase, count: int) -> int:
        """Read the newest events of a filter; returns how many there are, at most `count`."""
        reading = self._reading(filters, Span(timebase, reverse=True))
        events = 0
        while events < count and not reading.done:
            events += len(reading.read_slice(count - events))
        return events

    def latest(self, filters: Filters, at_ns: int) -> int:
        """Find the last event of each series at or before a source time; how many there are."""
        selection = EventFilter(filters, self._view.series)
        found = (
            latest_event(self._view, selection, number, "source", at_ns)
            for number in selection.numbers()
        )
        return sum(event is not None for event in found)

    def bounds(self, timebase: Timebase) -> tuple[int, int]:
        """The first and the last time of the archive."""
        events = self._archive.events
        low, high = events.first(timebase), events.last(timebase)
        return (time_of(low[0]), time_of(high[0])) if low and high else (0, 0)

    def bytes_per_family(self) -> dict[str, int]:
        """Bytes of each family's tables."""
        return {name: _sst_bytes(self._archive, name) for name in FAMILIES}

    def _reading(self, filters: Filters, span: Span) -> RangeCursor:
        return RangeCursor(self._view, EventFilter(filters, self._view.series), span)


class _LiveCrowd:
    """LIVE streams of one filter, which count what they send."""

    def __init__(self, view: ArchiveSnapshot, clients: int) -> None:
        self.tail = LiveTail(view, keep_events=1_000_000)
        self._view = view
        self._clients = clients
        self._received = 0
        self._tasks: list[asyncio.Task[int]] = []

    async def start(self) -> None:
        for _ in range(self._clients):
            wanted = EventFilter(UI_ONLY, self._view.series)
            stream = LiveStream(self._view, self.tail, wanted, chunk_max_events=CHUNK_EVENTS)
            history = RangeCursor(self._view, wanted, Span("canonical", self._view.watermark))
            self._tasks.append(asyncio.create_task(stream.run(history, NS_MAX, self._send)))
        await asyncio.sleep(CROWD_START_S)
        self._received = 0

    async def _send(self, cursor_ns: int, events: Sequence[Hit]) -> None:
        chunk_frame(CHUNK_ID, str(cursor_ns), [stored for _, stored in events], None)
        self._received += len(events)

    async def until_received(self, events: int) -> None:
        """Return when all clients together have received that many."""
        while self._received < events:
            await asyncio.sleep(0)

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()


def _sst_bytes(archive: Archive, family: str) -> int:
    return int(archive.families[family].property_int_value(SST_BYTES) or 0)
