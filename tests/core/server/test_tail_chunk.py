"""What clients of one filter share of the live tail: the text of their chunks, and no more than
each of them may see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import NO_KEY, Hit, RangeCursor, Span
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.server.conflation import Conflation, ConflationGap
from nova.core.server.live_stream import LiveStream, LiveTail
from nova.core.server.tail_chunk import SharedHits, TailChunk, TailSegment
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX
from nova.sdk.transport.base import Record

WAIT_S = 60.0
PENDING_MAX = 6


class ReadingClient:
    """A client that keeps what it gets."""

    def __init__(
        self, view: ArchiveSnapshot, tail: LiveTail, visibility: Visibility, conflates: bool
    ) -> None:
        self.chunks: list[Sequence[Hit]] = []
        self.gaps: list[ConflationGap] = []
        event_filter = EventFilter(Filters(), view.series, visibility)
        conflation = Conflation(self._report, PENDING_MAX) if conflates else None
        stream = LiveStream(view, tail, event_filter, chunk_max_events=4, conflation=conflation)
        history = RangeCursor(view, event_filter, Span("canonical"))
        self._running = asyncio.create_task(stream.run(history, NS_MAX, self._send))

    async def _send(self, _: int, events: Sequence[Hit]) -> None:
        if events:
            self.chunks.append(events)

    async def _report(self, gap: ConflationGap) -> None:
        self.gaps.append(gap)

    @property
    def events(self) -> int:
        """The number of its events, those that conflation has dropped included."""
        return sum(map(len, self.chunks)) + sum(gap.events for gap in self.gaps)

    async def until(self, events: int) -> None:
        """Wait for a number of events."""
        async with asyncio.timeout(WAIT_S):
            while self.events < events:
                await asyncio.sleep(0.001)

    async def end(self) -> None:
        self._running.cancel()
        await asyncio.wait((self._running,))


async def test_clients_of_one_filter_share_the_text_of_their_chunks(
    view: ArchiveSnapshot,
    commit: Callable[[Sequence[Record]], CommitFrame],
    record: Callable[..., Record],
) -> None:
    """Whether they conflate or not; one that sees less gets chunks of its own."""
    tail, hidden = LiveTail(view, 100), Visibility(lanes=frozenset({"ui"}))
    clients = [ReadingClient(view, tail, EVERYTHING, number < 2) for number in range(4)]
    other = ReadingClient(view, tail, hidden, conflates=True)
    await asyncio.sleep(0.01)
    for more in (3, 20):
        before = clients[0].events
        await tail.apply(commit([record(before + number) for number in range(more)]))
        for client in clients:
            await client.until(before + more)
    for one, same in ((clients[0], clients[1]), (clients[2], clients[3])):
        assert one.chunks and one.gaps == same.gaps
        for ours, theirs in zip(one.chunks, same.chunks, strict=True):
            assert isinstance(ours, SharedHits) and isinstance(theirs, SharedHits)
            assert ours == theirs
            assert b",".join(ours.texts) == b",".join(stored for _, stored in ours)
            for our, their in zip(ours.texts, theirs.texts, strict=True):
                assert our is their
    assert sum(gap.events for gap in clients[0].gaps) > 0 and not clients[2].gaps
    assert other.chunks == [] and other.gaps == []
    for client in (*clients, other):
        await client.end()


def test_a_chunk_without_keys_has_the_same_text() -> None:
    segments = [TailSegment([(b"\x01", b"{}"), (b"\x02", b"[]")]), TailSegment([(b"\x03", b"0")])]
    chunk = SharedHits(segments)
    assert chunk == [(b"\x01", b"{}"), (b"\x02", b"[]"), (b"\x03", b"0")]
    assert chunk.keyless() == [(NO_KEY, b"{}"), (NO_KEY, b"[]"), (NO_KEY, b"0")]
    assert chunk.keyless().texts == [b"{},[]", b"0"]
    assert chunk.keyless().texts[0] is chunk.texts[0]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sizes=st.lists(st.lists(st.sampled_from([1, 50, 400]), max_size=6), max_size=8),
    max_events=st.integers(1, 5),
)
def test_chunks_of_segments_are_within_the_limits(
    view: ArchiveSnapshot, sizes: list[list[int]], max_events: int
) -> None:
    """All events are there, in order; a chunk is over the bytes by its last event at most."""
    numbers = count()
    segments = [
        TailSegment([(next(numbers).to_bytes(2), b"x" * size) for size in some]) for some in sizes
    ]
    chunk = TailChunk(segments, 0)
    found, gap = chunk.conflated(view, 1_000, max_events, 500)
    assert gap is None and [event for one in found for event in one] == chunk.events
    for one in found:
        assert 1 <= len(one) <= max_events
        assert sum(len(stored) for _, stored in one[:-1]) < 500
