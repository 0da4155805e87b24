"""Merge of the pieces of several shards into one ordered sequence.

Pieces are assigned round-robin: while one shard's piece is consumed, the others read theirs. The
read-ahead is limited, so memory is bounded for any range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nova.sdk.batch.shard_messages import BlockReply, RangePiece, ReadRequest
from nova.sdk.batch.shard_process import ShardProcess
from nova.sdk.errors import NovaError

PIECES_AHEAD = 2
"""Number of pieces requested from a shard in advance."""


class MergedPart(NamedTuple):
    """Lines, the number of events in them, the key after them, and the estimated number of the
    plan's events read so far.
    """

    lines: bytearray
    events: int
    after: str
    events_read: int


def merge_pieces(
    shards: Sequence[ShardProcess], pieces: Sequence[RangePiece], after: str | None
) -> Iterator[MergedPart]:
    """The events of all pieces after a key, in order."""

    def deal(number: int) -> None:
        if number < len(pieces):
            piece = pieces[number]
            request = ReadRequest(start_ns=piece.start_ns, stop_ns=piece.stop_ns, after=after)
            shards[number % len(shards)].send(request)

    ahead = PIECES_AHEAD * len(shards)
    for number in range(ahead):
        deal(number)
    passed = 0
    for number, piece in enumerate(pieces):
        events = 0
        for lines, block in _blocks(shards[number % len(shards)]):
            events += block.events
            reached = passed + (piece.events if block.is_last else min(events, piece.events))
            yield MergedPart(lines, block.events, block.after, reached)
        passed += piece.events
        deal(number + ahead)


def _blocks(shard: ShardProcess) -> Iterator[tuple[bytearray, BlockReply]]:
    """The blocks of the shard's current piece."""
    while True:
        reply, lines = shard.reply()
        if not isinstance(reply, BlockReply):
            raise NovaError(f"shard {shard.number} sent {type(reply).__name__} instead of Block")
        yield lines, reply
        if reply.is_last:
            return
