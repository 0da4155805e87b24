"""The events of one request: splits its range into pieces, and reads a piece slice by slice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.deletion_guard import DeletionGuard
from nova.core.query.event_filter import EventFilter
from nova.core.query.given_back_info import given_back_from
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.core.query.visibility import Visibility
from nova.core.store.archive import Archive
from nova.core.store.range_split import PARTS_MAX, TimeDistribution, event_bytes
from nova.sdk.batch.range_messages import RangePiece, RangeRequest, SplitRequest
from nova.sdk.protocol.messages import Filters, GivenBackInfo
from nova.sdk.timestamps import NS_MIN

PIECE_EVENTS = 50_000
PIECE_BYTES = 16 * 1024 * 1024
SLICE_EVENTS = 5_000


class EventSlice(NamedTuple):
    """Events in order, and the key (hex) to continue after."""

    hits: list[Hit]
    after: str
    is_last: bool

    def lines(self) -> bytes:
        """The stored envelopes, each with a newline at its end."""
        return b"\n".join([stored for _, stored in self.hits]) + b"\n" if self.hits else b""


class RangeReader:
    """One request to an archive, as of one watermark."""

    def __init__(self, data: Path, archive: Archive, request: RangeRequest) -> None:
        self.data = data
        self.request = request
        self.watermark = (
            _durable_watermark(data, archive) if request.watermark is None else request.watermark
        )
        self.snapshot = ArchiveSnapshot(archive)
        self.snapshot.advance(self.watermark)
        self.snapshot.refresh()
        self.event_filter = EventFilter(
            request.filters, self.snapshot.series, _visibility_of(request)
        )
        self._archive = archive
        given_back = archive.given_back
        self.given_back = given_back.finished
        span = request.start_ns, request.stop_ns
        DeletionGuard(
            given_back, self.event_filter, request.timebase, span, request.given_back
        ).check()

    def deleted(self) -> list[GivenBackInfo]:
        """The scopes and lanes of which the range begins before what retention keeps."""
        return given_back_from(self.snapshot, self.event_filter, self.request.start_ns)

    def newest_ns(self) -> int:
        """The canonical time of the newest durable event that may be seen, whatever the filters;
        the watermark if there is none. Unlike the watermark it does not move with hidden events.
        """
        visible = EventFilter(Filters(), self.snapshot.series, _visibility_of(self.request))
        span = Span("canonical", NS_MIN, self.watermark, reverse=True)
        cursor = RangeCursor(self.snapshot, visible, span)
        while not cursor.done:
            if found := cursor.read_slice(1):
                return time_of(found[0][0])
        return self.watermark

    def split(self, request: SplitRequest) -> list[RangePiece]:
        """Split the rest of the range, after the request's key, into pieces: as many as requested,
        or small ones.
        """
        whole = self.request
        start_ns = whole.start_ns
        if whole.after is not None:
            start_ns = max(start_ns, time_of(bytes.fromhex(whole.after)))
        shape = self._shape(start_ns, whole.stop_ns)
        shape.refine(request.pieces or PARTS_MAX)
        return self._pieces(
            shape, request.pieces or max(request.pieces_min, self._small_piece_count(shape))
        )

    def progress_pieces(self, start_ns: int, stop_ns: int) -> list[RangePiece]:
        """Small pieces of a half-open range; progress is reported per piece."""
        shape = self._shape(start_ns, stop_ns - 1)
        return self._pieces(shape, self._small_piece_count(shape))

    def _shape(self, start_ns: int, stop_ns: int) -> TimeDistribution:
        if self.request.timebase == "canonical":
            stop_ns = max(start_ns - 1, min(stop_ns, self.watermark))
        return TimeDistribution(self._archive, self.request.timebase, start_ns, stop_ns)

    def _small_piece_count(self, shape: TimeDistribution) -> int:
        """The number of pieces of at most PIECE_EVENTS and about PIECE_BYTES."""
        size = min(PIECE_EVENTS, PIECE_BYTES / event_bytes(self._archive))
        return max(1, math.ceil(shape.events / size))

    def _pieces(self, shape: TimeDistribution, count: int) -> list[RangePiece]:
        return [RangePiece(*piece) for piece in shape.split(count)]

    def read(self, start_ns: int, stop_ns: int, after: str | None) -> Iterator[EventSlice]:
        """The events of a half-open range after a key, in at least one slice; the last one has
        `is_last`.
        """
        span = Span(self.request.timebase, start_ns, stop_ns - 1)
        key = None if after is None else bytes.fromhex(after)
        cursor = RangeCursor(self.snapshot, self.event_filter, span, key)
        while not cursor.done:
            hits = cursor.read_slice(SLICE_EVENTS)
            yield EventSlice(hits, (cursor.after or b"").hex(), cursor.done)


def _visibility_of(request: RangeRequest) -> Visibility:
    return Visibility(
        None if request.scopes is None else frozenset(request.scopes),
        None if request.lanes is None else frozenset(request.lanes),
        sees_audit=request.with_audit,
    )


def _durable_watermark(data: Path, archive: Archive) -> int:
    # The client takes half of a worker's start, and only the first worker of a replay needs it.
    from nova.core.batch.replay_watermark import durable_watermark

    return durable_watermark(data, archive)
