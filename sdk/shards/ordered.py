"""The pieces of several shards as one sequence, in order.

Pieces are dealt out in turn, so that while one shard's piece is taken the others read theirs; each
reads ahead no more than it is let, so memory is bounded whatever the range.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sdk.errors import NovaError
from sdk.shards.messages import Block, Piece, Read
from sdk.shards.process import Shard

PIECES_AHEAD = 2
"""How many pieces a shard knows of."""


class Part(NamedTuple):
    """Some lines, how many events they are, the key behind them, and about how many events of the
    plan have been passed by.
    """

    lines: bytearray
    events: int
    after: str
    passed: int


def in_order(shards: Sequence[Shard], pieces: Sequence[Piece], after: str | None) -> Iterator[Part]:
    """The events of all pieces behind a key, in order."""

    def deal(number: int) -> None:
        if number < len(pieces):
            piece = pieces[number]
            request = Read(start_ns=piece.start_ns, stop_ns=piece.stop_ns, after=after)
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
            yield Part(lines, block.events, block.after, reached)
        passed += piece.events
        deal(number + ahead)


def _blocks(shard: Shard) -> Iterator[tuple[bytearray, Block]]:
    """The blocks of the piece that a shard is at."""
    while True:
        reply, lines = shard.reply()
        if not isinstance(reply, Block):
            raise NovaError(f"shard {shard.number} sent a {type(reply).__name__} for a block")
        yield lines, reply
        if reply.is_last:
            return
