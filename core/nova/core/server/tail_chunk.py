"""Parts of the live tail as clients get them. What is the same for all clients of one filter is
computed once for each commit: which events, and their joined text.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from nova.core.commit_feed import CommittedEvent
from nova.core.ordering import series_of_event_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.playback import CHUNK_MAX_BYTES
from nova.core.query.range_cursor import NO_KEY, Hit
from nova.core.server.conflation import ConflationBuffer, ConflationGap


class TailSegment:
    """The events of a commit, or of a part of it, that a filter selects."""

    def __init__(self, events: Sequence[Hit]) -> None:
        self.events = events
        self.size_bytes = sum(len(stored) for _, stored in events)

    @cached_property
    def text(self) -> bytes:
        """Their envelopes, as a chunk has them."""
        return b",".join([stored for _, stored in self.events])


class SharedHits(list[Hit]):
    """The events of a chunk that several clients get."""

    def __init__(
        self, segments: Sequence[TailSegment], events: Sequence[Hit] | None = None
    ) -> None:
        super().__init__(
            chain.from_iterable(one.events for one in segments) if events is None else events
        )
        self._segments = segments

    @property
    def texts(self) -> list[bytes]:
        """Their envelopes; several are joined in one."""
        return [one.text for one in self._segments if one.events]

    def keyless(self) -> SharedHits:
        """The same without keys, for streams that cannot be resumed by those."""
        return SharedHits(self._segments, [(NO_KEY, stored) for _, stored in self])


class TailCommit:
    """A commit in the tail, and the canonical positions in ns before and after it."""

    def __init__(self, events: Sequence[CommittedEvent], before: int, position: int) -> None:
        self.events = events
        self.before = before
        self.position = position
        self.size_bytes = sum(len(stored) for _, stored in events)
        self._segments: dict[Hashable, TailSegment] = {}

    def segment(self, event_filter: EventFilter) -> TailSegment:
        """What a filter selects, which filters with the same key share."""
        found = self._segments.get(event_filter.key)
        if found is None:
            found = TailSegment(selected(self.events, event_filter))
            self._segments[event_filter.key] = found
        return found


class ConflatedChunks(NamedTuple):
    """The chunks of a client, and the events that conflation has dropped."""

    chunks: list[SharedHits]
    gap: ConflationGap | None


class TailChunk:
    """The wanted events of a part of the tail, and the canonical position in ns at its end."""

    def __init__(self, segments: Sequence[TailSegment], position: int) -> None:
        self.events = SharedHits(segments)
        self.position = position
        self._segments = segments
        self._conflated: dict[tuple[int, int, int], ConflatedChunks] = {}

    def conflated(
        self, snapshot: ArchiveSnapshot, pending_max: int, max_events: int, max_bytes: int
    ) -> ConflatedChunks:
        """The events as chunks; conflated if more than `pending_max` wait."""
        limits = pending_max, max_events, max_bytes
        found = self._conflated.get(limits)
        if found is None:
            gap, segments = None, self._segments
            if len(self.events) > pending_max:
                buffer = ConflationBuffer(snapshot, pending_max)
                buffer.add(self.events)
                buffer.finish()
                gap, segments = buffer.gap, [TailSegment(buffer.events)]
            found = ConflatedChunks(list(_grouped(segments, max_events, max_bytes)), gap)
            self._conflated[limits] = found
        return found


def _grouped(
    segments: Sequence[TailSegment], max_events: int, max_bytes: int
) -> Iterator[SharedHits]:
    """Chunks of whole segments within the limits; a segment over a limit is split."""
    group: list[TailSegment] = []
    count = size_bytes = 0
    for segment in _split(segments, max_events, max_bytes):
        count, size_bytes = count + len(segment.events), size_bytes + segment.size_bytes
        if group and (count > max_events or size_bytes > max_bytes):
            yield SharedHits(group)
            group, count, size_bytes = [], len(segment.events), segment.size_bytes
        group.append(segment)
    if group:
        yield SharedHits(group)


def _split(
    segments: Sequence[TailSegment], max_events: int, max_bytes: int
) -> Iterator[TailSegment]:
    for segment in segments:
        if len(segment.events) > max_events or segment.size_bytes > max_bytes:
            parts = split_chunks(segment.events, max_events, max_bytes)
            yield from (TailSegment(part) for part in parts)
        elif segment.events:
            yield segment


def selected(events: Sequence[CommittedEvent], event_filter: EventFilter) -> list[Hit]:
    """The events of a commit or several that a filter selects."""
    return [
        (key, stored)
        for key, stored in events
        if event_filter.matches_number(series_of_event_key(key)) and event_filter.accepts(stored)
    ]


def split_chunks(
    events: Sequence[Hit], max_events: int, max_bytes: int = CHUNK_MAX_BYTES
) -> Iterator[Sequence[Hit]]:
    """Split events into chunks of at most `max_events`; a chunk that reaches `max_bytes` ends."""
    start = size = 0
    for end, (_, stored) in enumerate(events):
        if end > start and (end - start == max_events or size >= max_bytes):
            yield events[start:end]
            start, size = end, 0
        size += len(stored)
    if start < len(events):
        yield events[start:]
