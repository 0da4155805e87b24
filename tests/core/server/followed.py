"""An owner whose stream is driven chunk by chunk, its followers, and an archive that grows."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.memory_budget import MemoryBudget
from nova.core.server.active_stream import ActiveStream
from nova.core.server.live_stream import LiveTail
from nova.core.server.owner_timeline import RUNS_MAX, OwnerRun, OwnerTimeline
from nova.core.writer.committer import Committer
from nova.sdk.protocol import messages
from nova.sdk.protocol.follow_stream import FollowEnded, FollowSkipped, FollowStream, ReaderRequest
from nova.sdk.protocol.messages import (
    CHUNK_PREFIX,
    CancelStream,
    Filters,
    StartStream,
    StreamChunk,
    StreamComplete,
    StreamStarted,
    TimelineMode,
)
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Batch, Record
from tests.core.conftest import START_NS

LANES = ("metadata", "ui", "parsed", "raw")
UNITS = ("a", "b", "c")
INSTANTS = 12
"""Events lie at this many times, a millisecond apart, so that many share one."""

SELECTIONS = (
    Filters(),
    Filters(lanes=["ui"]),
    Filters(lanes=["raw", "metadata"]),
    Filters(unique_id="a"),
    Filters(unique_id="nobody"),
)

WAIT_S = 30.0
LEFT_BYTES = 1 << 30
"""More than all ranges of a test have: on a slow machine its followers may be far behind."""

SETTINGS = Settings(chunk_max_events=3, chunk_interval_ms=10, mode="ground")
_chunks = msgspec.json.Decoder(StreamChunk)


class GrowingArchive:
    """An archive that a reader sees, and to which random events are added."""

    def __init__(
        self, committer: Committer, view: ArchiveSnapshot, record: Callable[..., Record]
    ) -> None:
        self._committer = committer
        self._record = record
        self._count = 0
        self.view = view
        self.tail = LiveTail(view, keep_events=20)

    async def grow(self, chance: random.Random, events: int) -> None:
        """Commit random events, and announce them as the writer does."""
        records = []
        for _ in range(events):
            at_ns = START_NS + chance.randrange(INSTANTS) * 1_000_000
            lane, unit = chance.choice(LANES), chance.choice(UNITS)
            records.append(self._record(self._count, lane=lane, unit=unit, at_ns=at_ns))
            self._count += 1
        self._committer.add_batch("link", Batch(records))
        await self.tail.apply(self._committer.close_commit())


class RecordedTimeline(OwnerTimeline):
    """A timeline that keeps the owner's runs; each holds what it covered in the end."""

    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        super().__init__(runs_max)
        self.runs: list[OwnerRun] = []

    def begin(self, run: OwnerRun) -> None:
        """Keep the run."""
        self.runs.append(run)
        super().begin(run)


class ChunkReader:
    """The client's end of a connection. It may stop to read after a number of chunks, and then
    blocks its stream until that is cancelled or it reads again.
    """

    def __init__(self) -> None:
        self.chunks: list[StreamChunk] = []
        self.ended: list[messages.Message] = []
        self.skipped = 0
        self.room = math.inf
        self.next_room = math.inf
        self.moved = asyncio.Event()

    @property
    def events(self) -> list[bytes]:
        """All events in the order in which they came."""
        return events_of(self.chunks)

    async def send(
        self, reply: messages.Message, ref: messages.Ref, *, of_stream: bool = False
    ) -> None:
        """Receive a reply or the end of a stream."""
        if isinstance(reply, StreamStarted):  # The stream before it has been stopped.
            self.chunks, self.ended, self.room = [], [], self.next_room
        elif isinstance(reply, FollowSkipped):
            self.skipped += reply.ranges
        elif isinstance(reply, StreamComplete | FollowEnded | messages.Error):
            self.ended.append(reply)
            self.moved.set()

    async def refuse(self, request: ReaderRequest, code: str, message: str) -> None:
        """Receive an error."""
        raise AssertionError((request, code, message))

    async def send_frame(self, frame: bytes, *, of_stream: bool = False) -> None:
        """Receive a chunk, then wait while there is no room for another."""
        assert frame.startswith(CHUNK_PREFIX)
        self.chunks.append(_chunks.decode(frame))
        self.room -= 1
        self.moved.set()
        while self.room <= 0:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)

    async def wait_until_stopped(self) -> None:
        """Wait until there is no room, or the stream has ended."""
        async with asyncio.timeout(WAIT_S):
            while self.room > 0 and not self.ended:
                await self.moved.wait()
                self.moved.clear()


def events_of(chunks: Sequence[StreamChunk]) -> list[bytes]:
    """The events of chunks as they are stored."""
    return [bytes(event) for chunk in chunks for event in chunk.events]


@dataclass
class OwnerStep:
    """A stream of the owner: what it starts, and after how many chunks it is left, or never.

    `resume`: it continues after the last key of the chunk this many before the last one, or
    `at_cursor` at its time, if everything before that was sent.
    """

    mode: TimelineMode = "REPLAY"
    shed: bool = False
    rate: messages.Rate = "max"
    timebase: Timebase = "source"
    start: str | None = None
    stop: str | None = None
    filters: Filters = field(default_factory=Filters)
    chunks: int | None = None
    resume: int | None = None
    at_cursor: bool = False
    cancel: bool = False


class Place(NamedTuple):
    """Where a client is: the last stream that had any chunk, or was not resumed. One that was
    resumed and replaced before its first chunk leaves the client where it was.
    """

    rate: messages.Rate
    start: str | None
    chunks: list[StreamChunk]
    ended: list[messages.Message]


class FollowedOwner:
    """An owner and its followers."""

    def __init__(self, view: ArchiveSnapshot, tail: LiveTail) -> None:
        self._view = view
        self._tail = tail
        self.reader = ChunkReader()
        self.stream = self._new_stream(self.reader)
        self.timeline = RecordedTimeline()
        self.stream.timeline = self.timeline
        self.sent: list[list[StreamChunk]] = []
        """The chunks that the owner got of each stream."""

        self._number = 0
        self._before = OwnerStep()
        self._is_resumed = False
        self._start: str | None = None
        self._place = Place("max", None, [], [])

    def _new_stream(self, reader: ChunkReader) -> ActiveStream:
        return ActiveStream(
            reader,
            self._view,
            self._tail,
            SETTINGS,
            MemoryBudget(),
            pending_max_events=5,
            is_replaying=False,
        )

    async def play(self, step: OwnerStep) -> bool:
        """Start a stream and wait until it is over, or its client has got this many chunks. Returns
        whether it resumed the one before.
        """
        if self.reader.chunks or self.reader.ended or not self._is_resumed:
            self._place = Place(
                self._before.rate, self._start, self.reader.chunks, self.reader.ended
            )
        key = self._resume_key(step)
        cursor = self._resume_cursor(step)
        self._number += 1
        self.reader.next_room = math.inf if step.chunks is None else step.chunks
        request = StartStream(
            playback_request_id=f"p{self._number}",
            timeline_mode=step.mode,
            shed=step.shed,
            start_time=cursor or step.start,
            stop_time=step.stop,
            rate=step.rate,
            timebase=step.timebase,
            filters=step.filters,
            after_key=key,
        )
        await self.stream.handle(request)
        if step.mode == "REPLAY":
            await self.reader.wait_until_stopped()
        self.sent.append(self.reader.chunks)
        if step.cancel:
            await self.stream.handle(CancelStream())
        self._before, self._start = step, request.start_time
        self._is_resumed = key is not None or cursor is not None
        return self._is_resumed

    def _resume_key(self, step: OwnerStep) -> str | None:
        keys = [chunk.last_key for chunk in self._place.chunks if chunk.last_key]
        if step.resume is None or step.at_cursor or not keys:
            return None
        return keys[max(0, len(keys) - 1 - step.resume)]

    def _resume_cursor(self, step: OwnerStep) -> str | None:
        """A chunk that is not full ends with its time, and not amid the events of a time."""
        if not step.at_cursor or step.resume is None or isinstance(self._place.rate, str):
            return None
        chunks = [c for c in self._place.chunks if len(c.events) < SETTINGS.chunk_max_events]
        edges = [end.cursor for end in self._place.ended if isinstance(end, StreamComplete)]
        edges.append(self._place.start or "")
        cursors = [chunk.cursor for chunk in chunks if chunk.cursor not in edges]
        return cursors[max(0, len(cursors) - 1 - step.resume)] if cursors else None

    async def wait_for_present(self) -> None:
        """Wait until a LIVE stream has sent everything durable."""
        run = self.timeline.runs[-1]
        async with asyncio.timeout(WAIT_S):
            while run.tail_ns is None or run.tail_ns < self._view.watermark:
                await asyncio.sleep(0.001)

    async def follow(self, filters: Filters) -> tuple[ActiveStream, ChunkReader]:
        """A follower from now on."""
        reader = ChunkReader()
        stream = self._new_stream(reader)
        request = FollowStream(playback_request_id="f", connection="o", filters=filters)
        await stream.follow(request, self.timeline, left_max_bytes=LEFT_BYTES)
        return stream, reader

    async def finish(self, followers: Sequence[ChunkReader]) -> None:
        """End the owner's connection, and wait until its followers know."""
        await self.stream.close()
        self.timeline.close()
        async with asyncio.timeout(WAIT_S):
            for reader in followers:
                while not reader.ended:
                    await asyncio.sleep(0.001)
        assert all(isinstance(reader.ended[0], FollowEnded) for reader in followers)
