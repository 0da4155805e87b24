"""Pacing: chunks fit into a frame, however many events are due at once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import msgspec
import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.ordering import TIMEBASES, Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.playback import CHUNK_MAX_BYTES, Playback, parse_rate, playback_bounds
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.sdk import timestamps
from nova.sdk.protocol.messages import Filters
from nova.sdk.transport.base import Record

Make = Callable[..., Record]
Commit = Callable[[Sequence[Record]], CommitFrame]
LARGE_BYTES = 300_000


def large(number: int) -> Record:
    """A large event; all of them are due within one millisecond."""
    members = {
        "scopeId": "sat",
        "lane": "raw",
        "systemId": "bus",
        "containerId": "cam",
        "uniqueId": "u",
        "sourceTruthTime": f"2026-01-01T00:00:00.0000{number:02d}Z",
        "bytes": bytes([number]) * LARGE_BYTES,
    }
    return Record(None, msgspec.json.encode(members))


class Played:
    """What a playback sent."""

    def __init__(self) -> None:
        self.chunks: list[tuple[int, list[Hit]]] = []

    async def send(self, cursor: int, events: Sequence[Hit]) -> None:
        """Note one chunk."""
        self.chunks.append((cursor, list(events)))

    @property
    def events(self) -> list[Hit]:
        """All events in the order they came."""
        return [event for _, events in self.chunks for event in events]


async def played(view: ArchiveSnapshot, span: Span, rate: float | None) -> Played:
    """One replay of everything."""
    found = Played()
    reading = RangeCursor(view, EventFilter(Filters(), view.series), span)
    begin, end = await playback_bounds(view, reading)
    playback = Playback(reading, begin, end, chunk_max_events=500, interval_ms=10)
    assert await playback.run(rate, found.send) == end
    return found


@pytest.mark.parametrize("rate", [None, 1.0, 1e9])
@pytest.mark.parametrize("timebase", TIMEBASES)
@pytest.mark.parametrize("reverse", [False, True])
async def test_chunks_of_large_events_stay_small(
    rate: float | None, timebase: Timebase, reverse: bool, view: ArchiveSnapshot, commit: Commit
) -> None:
    """A-145: a chunk ends by bytes too, or its frame would end the connection."""
    commit([large(number) for number in range(30)])
    found = await played(view, Span(timebase, reverse=reverse), rate)
    sizes = [sum(len(stored) for _, stored in events) for _, events in found.chunks]
    assert max(sizes) < CHUNK_MAX_BYTES + 2 * LARGE_BYTES
    numbers = [
        base64.b64decode(msgspec.json.decode(stored)["bytes"])[0] for _, stored in found.events
    ]
    assert numbers == sorted(range(30), reverse=reverse)


@pytest.mark.parametrize("reverse", [False, True])
async def test_a_chunk_holds_nothing_beyond_its_cursor(
    reverse: bool, view: ArchiveSnapshot, commit: Commit, record: Make
) -> None:
    """A-139: the cursor is the clock: events before it are here, later ones are not."""
    commit([record(n * 7 % 50) for n in range(50)])
    found = await played(view, Span("source", reverse=reverse), 2.0)
    sign = -1 if reverse else 1
    before: int | None = None
    for cursor, events in found.chunks:
        times = [sign * time_of(key) for key, _ in events]
        assert all(time <= sign * cursor for time in times)
        assert before is None or all(time >= before for time in times)
        before = sign * cursor
    assert len(found.events) == 50


async def test_an_empty_archive_replays_to_its_end(view: ArchiveSnapshot) -> None:
    """A-139: nothing to play is no error."""
    for rate in (None, 1.0):
        assert (await played(view, Span("source"), rate)).events == []
    start = timestamps.parse("2026-01-01T00:00:00Z")
    gap = await played(view, Span("source", start, start + 30_000_000), 1.0)
    assert gap.chunks[0][0] >= start
    assert gap.chunks[-1] == (start + 30_000_000, [])


def test_rates_are_a_speed_and_a_direction() -> None:
    """A-156, AMB-35: any factor but zero, backwards if negative, or as fast as can be read."""
    assert parse_rate("max") == (None, False)
    assert parse_rate("-max") == (None, True)
    assert parse_rate(0.1) == (0.1, False)
    assert parse_rate(-10) == (10, True)
