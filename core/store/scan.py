"""The one checked way to scan: in blocks of rows, whose end is believed only when it is proved.

rocksdict's `items()` is the fastest way to rows and ends silently at a block that cannot be read;
`next()` on an invalid iterator kills the process. So rows come from `items()`, and where they end
before the range does, an iterator that can be asked for its status looks whether that is the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import cast

from rocksdict import Rdict, ReadOptions

from core.errors import ArchiveDamagedError

FIRST_ROWS = 4
"""Most readings want a few rows; each block after the first may be GROWTH times larger."""

GROWTH = 4
MORE_ROWS = 16
BLOCK_MAX_ROWS = 128
BLOCK_MAX_BYTES = 256 * 1024

Row = tuple[bytes, bytes]

Block = tuple[list[Row], int]
"""Rows that were read at once, and the bytes of their values."""


def blocks(
    family: Rdict, lower: bytes, upper: bytes, *, reverse: bool = False, want: int | None = None
) -> Iterator[Block]:
    """Keys and values from lower to upper, both included, in key order or backwards, some at once;
    the first block tells how large they are. Where it is known how many are wanted, the blocks
    after it end there, and small ones follow.

    Raises ArchiveDamagedError where the range cannot be read to its end.
    """
    last = upper if reverse else lower
    # Its stub calls it an iterable of itself.
    rows = cast("Iterator[Row]", family.items(backwards=reverse, from_key=last))
    count, read = FIRST_ROWS, 0
    while True:
        block: list[Row] = list(islice(rows, count))
        is_end = len(block) < count
        if block:
            last = block[-1][0]
            size_bytes = sum([len(value) for _, value in block])
            if last < lower or last > upper:
                inside = [row for row in block if lower <= row[0] <= upper]
                if inside:
                    yield inside, size_bytes
                return
            yield block, size_bytes
            fitting = BLOCK_MAX_BYTES * count // (size_bytes or 1) or 1
            read += len(block)
            more = GROWTH * count if want is None else max(want - read, MORE_ROWS)
            count = min(more, BLOCK_MAX_ROWS, fitting)
        if is_end:
            _prove_end(family, last, reverse)
            return


def scan(
    family: Rdict, lower: bytes, upper: bytes, *, reverse: bool = False, want: int | None = None
) -> Iterator[Row]:
    """The same row by row."""
    for block, _ in blocks(family, lower, upper, reverse=reverse, want=want):
        yield from block


class Seeker:
    """Looks for single rows of a family as it was at one moment, in a quarter of the time that
    opening an iterator for each takes. Raises ArchiveDamagedError where it cannot read.
    """

    def __init__(self, family: Rdict) -> None:
        self._rows = family.iter(ReadOptions())

    def first(self, lower: bytes, upper: bytes) -> Row | None:
        """The first row from lower to upper, both included."""
        self._rows.seek(lower)
        row = self._row()
        return row if row is not None and row[0] <= upper else None

    def last(self, lower: bytes, upper: bytes) -> Row | None:
        """The last row from lower to upper, both included."""
        self._rows.seek_for_prev(upper)
        row = self._row()
        return row if row is not None and row[0] >= lower else None

    def _row(self) -> Row | None:
        rows = self._rows
        if rows.valid():
            return rows.key(), rows.value()
        try:
            rows.status()
        except Exception as error:
            raise ArchiveDamagedError(f"the archive cannot be read: {error}") from error
        return None


def _prove_end(family: Rdict, last: bytes, reverse: bool) -> None:
    """Raise ArchiveDamagedError unless the family has nothing beyond the last key that was read."""
    rows = family.iter(ReadOptions())
    if reverse:
        rows.seek_for_prev(last)
    else:
        rows.seek(last)
    if rows.valid() and rows.key() == last:
        if reverse:
            rows.prev()
        else:
            rows.next()
    try:
        rows.status()
        reason = "there are rows that were not read" if rows.valid() else None
    except Exception as error:
        reason = str(error)
    if reason is not None:
        raise ArchiveDamagedError(f"the archive cannot be read beyond key {last.hex()}: {reason}")


def first(family: Rdict, lower: bytes, upper: bytes) -> tuple[bytes, bytes] | None:
    """The first key and value of a range."""
    return next(scan(family, lower, upper), None)


def last(family: Rdict, lower: bytes, upper: bytes) -> tuple[bytes, bytes] | None:
    """The last key and value of a range."""
    return next(scan(family, lower, upper, reverse=True), None)
