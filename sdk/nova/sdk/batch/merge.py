"""Merge of the pieces of several workers into one ordered sequence.

Pieces are assigned round-robin: while one worker's piece is consumed, the others read theirs. The
read-ahead is limited, so memory is bounded for any range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nova.sdk.batch.range_messages import RangePiece, ReadRequest
from nova.sdk.batch.range_workers import RangeWorkers

PIECES_AHEAD = 2
"""Number of pieces requested from a worker in advance."""


class MergedPart(NamedTuple):
    """Lines, the number of events in them, the key after them, and the estimated number of the
    plan's events read so far.
    """

    lines: bytes | bytearray
    events: int
    after: str
    events_read: int


def merge_pieces(
    workers: RangeWorkers, pieces: Sequence[RangePiece], after: str | None
) -> Iterator[MergedPart]:
    """The events of all pieces after a key, in order."""

    def deal(number: int) -> None:
        if number < len(pieces):
            piece = pieces[number]
            request = ReadRequest(start_ns=piece.start_ns, stop_ns=piece.stop_ns, after=after)
            workers[number % len(workers)].send(request)

    ahead = PIECES_AHEAD * len(workers)
    for number in range(ahead):
        deal(number)
    passed = 0
    for number, piece in enumerate(pieces):
        events, is_done = 0, False
        while not is_done:
            progress, lines = workers[number % len(workers)].progress()
            added, events, is_done = progress.events - events, progress.events, progress.is_done
            reached = passed + (piece.events if is_done else min(events, piece.events))
            yield MergedPart(lines, added, progress.after, reached)
        passed += piece.events
        deal(number + ahead)
