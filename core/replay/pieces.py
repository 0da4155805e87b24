"""The events of one batch replay: splits its span into pieces and reads a piece block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.ordering import time_of
from core.reader.reading import Reading, Span
from core.reader.selection import Selection
from core.reader.view import View
from core.replay.mark import durable_mark
from core.store.archive import Archive
from core.store.ranges import PARTS_MAX, Shape, event_bytes
from sdk.shards.messages import Cut, Job, Piece

PIECE_EVENTS = 50_000
PIECE_BYTES = 16 * 1024 * 1024
SLICE_EVENTS = 5_000


class Lines(NamedTuple):
    """Events as newline-terminated envelopes, and the key (hex) to continue after."""

    lines: bytes
    events: int
    after: str
    is_last: bool


class Replay:
    """One replay job over an archive, as of one watermark."""

    def __init__(self, data: Path, archive: Archive, job: Job) -> None:
        self._archive = archive
        self._job = job
        self.mark = durable_mark(data, archive) if job.mark is None else job.mark
        self.view = View(archive)
        self.view.advance(self.mark)
        self.view.refresh()
        self._selection = Selection(job.filters, self.view.series)

    def cut(self, wanted: Cut) -> list[Piece]:
        """Split the rest of the span, after the job's key, into pieces: as many as requested, or
        small ones.
        """
        job = self._job
        start_ns = job.start_ns
        if job.after is not None:
            start_ns = max(start_ns, time_of(bytes.fromhex(job.after)))
        shape = self._shape(start_ns, job.stop_ns)
        shape.refine(wanted.pieces or PARTS_MAX)
        return self._pieces(shape, wanted.pieces or max(wanted.pieces_min, self._small(shape)))

    def passing(self, start_ns: int, stop_ns: int) -> list[Piece]:
        """Small pieces of a half-open range; progress is reported per piece."""
        shape = self._shape(start_ns, stop_ns - 1)
        return self._pieces(shape, self._small(shape))

    def _shape(self, start_ns: int, stop_ns: int) -> Shape:
        if self._job.timebase == "canonical":
            stop_ns = max(start_ns - 1, min(stop_ns, self.mark))
        return Shape(self._archive, self._job.timebase, start_ns, stop_ns)

    def _small(self, shape: Shape) -> int:
        """The number of pieces of at most PIECE_EVENTS and about PIECE_BYTES."""
        size = min(PIECE_EVENTS, PIECE_BYTES / event_bytes(self._archive))
        return max(1, math.ceil(shape.events / size))

    def _pieces(self, shape: Shape, count: int) -> list[Piece]:
        return [Piece(*piece) for piece in shape.cut(count)]

    def read(self, start_ns: int, stop_ns: int, after: str | None) -> Iterator[Lines]:
        """The events of a half-open range after a key, in at least one block; the last one has
        `is_last`.
        """
        key = None if after is None else bytes.fromhex(after)
        range_cursor = self.reading(start_ns, stop_ns, key)
        while not range_cursor.done:
            found = range_cursor.slice(SLICE_EVENTS)
            lines = b"\n".join([stored for _, stored in found])
            reached = (range_cursor.after or b"").hex()
            yield Lines(lines + b"\n" if found else b"", len(found), reached, range_cursor.done)

    def reading(self, start_ns: int, stop_ns: int, after: bytes | None = None) -> Reading:
        """A range cursor over a half-open range, after a key."""
        span = Span(self._job.timebase, start_ns, stop_ns - 1)
        return Reading(self.view, self._selection, span, after)
