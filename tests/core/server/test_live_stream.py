"""The chunks of the live tail; its junction with history is compared in test_range_cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from nova.core.commit_feed import CommitFrame
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.playback import CHUNK_MAX_BYTES
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.server.live_stream import LiveStream, LiveTail
from nova.core.server.tail_chunk import split_chunks
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX
from nova.sdk.transport.base import Record

WAIT_S = 60.0
LAG_MAX_S = 0.05


@given(st.lists(st.sampled_from([1, 300_000, 900_000, 2_000_000]), max_size=25), st.integers(1, 6))
@settings(deadline=None)
def test_chunks_are_bounded_by_events_and_by_bytes(sizes: list[int], max_events: int) -> None:
    """A-145: nothing is lost or turned round, and no chunk grows with the commit."""
    found = [(bytes([place]), b"x" * size) for place, size in enumerate(sizes)]
    cut = list(split_chunks(found, max_events))
    assert [event for chunk in cut for event in chunk] == found
    for chunk in cut:
        assert 1 <= len(chunk) <= max_events
        assert sum(len(stored) for _, stored in chunk[:-1]) < CHUNK_MAX_BYTES


class Door:
    """A client that reads frames only while its gate is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def send(self, cursor: int, events: Sequence[Hit]) -> None:
        """Wait for the door."""
        await self.open.wait()


async def until(stream: LiveStream, is_present: bool) -> None:
    """Wait until a stream is there, or is not."""
    async with asyncio.timeout(WAIT_S):
        while stream.is_present != is_present:
            await asyncio.sleep(0.005)


async def test_a_stream_that_is_held_up_does_not_show_the_present(
    view: ArchiveSnapshot,
    commit: Callable[[Sequence[Record]], CommitFrame],
    record: Callable[..., Record],
) -> None:
    """Neither in its history nor later; it counts as present again once it has caught up."""
    commit([record(n) for n in range(5)])
    selection, tail, door = EventFilter(Filters(), view.series), LiveTail(view, 100), Door()
    stream = LiveStream(view, tail, selection, chunk_max_events=10, lag_max_s=LAG_MAX_S)
    history = RangeCursor(view, selection, Span("canonical"))
    running = asyncio.create_task(stream.run(history, NS_MAX, door.send))
    await asyncio.sleep(2 * LAG_MAX_S)
    assert not stream.is_present
    door.open.set()
    await until(stream, True)
    door.open.clear()
    await tail.apply(commit([record(5)]))
    await until(stream, False)
    await asyncio.sleep(2 * LAG_MAX_S)
    assert not stream.is_present
    door.open.set()
    await until(stream, True)
    running.cancel()
    await asyncio.wait((running,))


class SlowClient:
    """Takes one chunk at a time, each after a part of the lag that is allowed."""

    def __init__(self) -> None:
        self.taken = 0

    async def send(self, cursor: int, events: Sequence[Hit]) -> None:
        """Take a chunk."""
        await asyncio.sleep(LAG_MAX_S / 4)
        self.taken += len(events)


async def test_a_stream_whose_client_reads_slowly_does_not_show_the_present(
    view: ArchiveSnapshot,
    commit: Callable[[Sequence[Record]], CommitFrame],
    record: Callable[..., Record],
) -> None:
    """Every chunk arrives in time, but shows the past."""
    selection, tail, client = EventFilter(Filters(), view.series), LiveTail(view, 100), SlowClient()
    stream = LiveStream(
        view, tail, selection, chunk_max_events=1, is_present=True, lag_max_s=LAG_MAX_S
    )
    history = RangeCursor(view, selection, Span("canonical"))
    running = asyncio.create_task(stream.run(history, NS_MAX, client.send))
    await until(stream, True)
    await tail.apply(commit([record(n) for n in range(50)]))
    async with asyncio.timeout(WAIT_S):
        while client.taken < 20:
            await asyncio.sleep(0)
    assert not stream.is_present
    await until(stream, True)
    assert client.taken == 50
    running.cancel()
    await asyncio.wait((running,))


def test_a_stream_without_history_begins_at_the_present(view: ArchiveSnapshot) -> None:
    """So that a client may submit at once when its stream has been accepted."""
    selection, tail = EventFilter(Filters(), view.series), LiveTail(view, 100)
    assert LiveStream(view, tail, selection, chunk_max_events=1, is_present=True).is_present
    assert not LiveStream(view, tail, selection, chunk_max_events=1).is_present


async def test_streams_of_the_same_filter_share_what_is_selected_of_the_tail(
    view: ArchiveSnapshot,
    commit: Callable[[Sequence[Record]], CommitFrame],
    record: Callable[..., Record],
) -> None:
    """Hundreds of clients at the present cost one selection for each commit."""
    tail = LiveTail(view, 100)
    start = view.watermark
    await tail.apply(commit([record(n, unit="ab"[n % 2]) for n in range(10)]))
    of_a, also_of_a, of_b = (
        EventFilter(Filters(unique_id=unit), view.series) for unit in ("a", "a", "b")
    )
    chunk = tail.chunk_after(start, of_a, 100, CHUNK_MAX_BYTES)
    assert chunk is not None and len(chunk.events) == 5
    assert chunk.position == view.watermark
    assert tail.chunk_after(start, also_of_a, 100, CHUNK_MAX_BYTES) is chunk
    other = tail.chunk_after(start, of_b, 100, CHUNK_MAX_BYTES)
    assert other is not None and not set(other.events) & set(chunk.events)

    part = tail.chunk_after(start, of_a, 3, CHUNK_MAX_BYTES)
    assert part is not None and part.events == chunk.events[: len(part.events)]
    rest = tail.chunk_after(part.position, of_a, None, CHUNK_MAX_BYTES)
    assert rest is not None and part.events + rest.events == chunk.events

    await tail.apply(commit([record(20, unit="a")]))
    longer = tail.chunk_after(start, of_a, 100, CHUNK_MAX_BYTES)
    assert longer is not None and longer.events[:5] == chunk.events and len(longer.events) == 6
    tail.clear()
    assert tail.chunk_after(start, of_a, 100, CHUNK_MAX_BYTES) is None
