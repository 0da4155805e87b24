"""The events of one batch replay: splits its span into pieces and reads a piece block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nova.core.batch.replay_watermark import durable_watermark
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.range_cursor import RangeCursor, Span
from nova.core.store.archive import Archive
from nova.core.store.range_split import PARTS_MAX, TimeDistribution, event_bytes
from nova.sdk.batch.shard_messages import RangePiece, ShardJob, SplitRequest

PIECE_EVENTS = 50_000
PIECE_BYTES = 16 * 1024 * 1024
SLICE_EVENTS = 5_000


class EventBlock(NamedTuple):
    """Events as newline-terminated envelopes, and the key (hex) to continue after."""

    lines: bytes
    events: int
    after: str
    is_last: bool


class RangePieces:
    """One replay job over an archive, as of one watermark."""

    def __init__(self, data: Path, archive: Archive, job: ShardJob) -> None:
        self._archive = archive
        self._job = job
        self.watermark = durable_watermark(data, archive) if job.mark is None else job.mark
        self.snapshot = ArchiveSnapshot(archive)
        self.snapshot.advance(self.watermark)
        self.snapshot.refresh()
        self._event_filter = EventFilter(job.filters, self.snapshot.series)

    def split(self, request: SplitRequest) -> list[RangePiece]:
        """Split the rest of the span, after the job's key, into pieces: as many as requested, or
        small ones.
        """
        job = self._job
        start_ns = job.start_ns
        if job.after is not None:
            start_ns = max(start_ns, time_of(bytes.fromhex(job.after)))
        shape = self._shape(start_ns, job.stop_ns)
        shape.refine(request.pieces or PARTS_MAX)
        return self._pieces(
            shape, request.pieces or max(request.pieces_min, self._small_piece_count(shape))
        )

    def progress_pieces(self, start_ns: int, stop_ns: int) -> list[RangePiece]:
        """Small pieces of a half-open range; progress is reported per piece."""
        shape = self._shape(start_ns, stop_ns - 1)
        return self._pieces(shape, self._small_piece_count(shape))

    def _shape(self, start_ns: int, stop_ns: int) -> TimeDistribution:
        if self._job.timebase == "canonical":
            stop_ns = max(start_ns - 1, min(stop_ns, self.watermark))
        return TimeDistribution(self._archive, self._job.timebase, start_ns, stop_ns)

    def _small_piece_count(self, shape: TimeDistribution) -> int:
        """The number of pieces of at most PIECE_EVENTS and about PIECE_BYTES."""
        size = min(PIECE_EVENTS, PIECE_BYTES / event_bytes(self._archive))
        return max(1, math.ceil(shape.events / size))

    def _pieces(self, shape: TimeDistribution, count: int) -> list[RangePiece]:
        return [RangePiece(*piece) for piece in shape.split(count)]

    def read(self, start_ns: int, stop_ns: int, after: str | None) -> Iterator[EventBlock]:
        """The events of a half-open range after a key, in at least one block; the last one has
        `is_last`.
        """
        key = None if after is None else bytes.fromhex(after)
        range_cursor = self.range_cursor(start_ns, stop_ns, key)
        while not range_cursor.done:
            found = range_cursor.read_slice(SLICE_EVENTS)
            lines = b"\n".join([stored for _, stored in found])
            reached = (range_cursor.after or b"").hex()
            yield EventBlock(
                lines + b"\n" if found else b"", len(found), reached, range_cursor.done
            )

    def range_cursor(self, start_ns: int, stop_ns: int, after: bytes | None = None) -> RangeCursor:
        """A range cursor over a half-open range, after a key."""
        span = Span(self._job.timebase, start_ns, stop_ns - 1)
        return RangeCursor(self.snapshot, self._event_filter, span, after)
