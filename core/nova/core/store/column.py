"""Columns in memory: the values of one field at the rows of a block that have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nova.core.ordering import Timebase
from nova.core.store.column_codec import Integers, Numbers

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Column:
    """Values at ascending `rows` of a block (None: at each). Those of an enumerated field are
    positions in its texts.
    """

    values: Numbers
    rows: Integers | None = None

    def select(self, mask: Mask) -> Column:
        """The column of the rows that a mask keeps."""
        if self.rows is None:
            return Column(self.values[mask])
        kept = mask[self.rows]
        return Column(self.values[kept], (np.cumsum(mask) - 1)[self.rows[kept]])

    def slice(self, start: int, stop: int) -> Column:
        """The column of the rows from start to before stop."""
        if self.rows is None:
            return Column(self.values[start:stop])
        first, last = np.searchsorted(self.rows, (start, stop))
        return Column(self.values[first:last], self.rows[first:last] - start)

    def at(self, times: Integers) -> Integers:
        """The times at which the column has values, of those of its block."""
        return times if self.rows is None else times[self.rows]


@dataclass(slots=True)
class ColumnBlock:
    """Events of one series in canonical order: their times in ns, and columns by number."""

    canonical: Integers
    source: Integers
    columns: dict[int, Column] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.canonical)

    def times(self, timebase: Timebase) -> Integers:
        return self.source if timebase == "source" else self.canonical

    def select(self, mask: Mask) -> ColumnBlock:
        """The block of the rows that a mask keeps, without columns that are empty then."""
        columns = {number: column.select(mask) for number, column in self.columns.items()}
        kept = {number: column for number, column in columns.items() if len(column.values)}
        return ColumnBlock(self.canonical[mask], self.source[mask], kept)

    def slice(self, start: int, stop: int) -> ColumnBlock:
        """The rows from start to before stop, without columns that are empty then."""
        columns = {number: column.slice(start, stop) for number, column in self.columns.items()}
        kept = {number: column for number, column in columns.items() if len(column.values)}
        return ColumnBlock(self.canonical[start:stop], self.source[start:stop], kept)


def join_blocks(blocks: Sequence[ColumnBlock]) -> ColumnBlock:
    """The rows of several blocks, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    sizes = [len(block) for block in blocks]
    numbers = dict.fromkeys(number for block in blocks for number in block.columns)
    return ColumnBlock(
        np.concatenate([block.canonical for block in blocks]),
        np.concatenate([block.source for block in blocks]),
        {
            number: join_columns(
                sizes,
                {
                    place: block.columns[number]
                    for place, block in enumerate(blocks)
                    if number in block.columns
                },
            )
            for number in numbers
        },
    )


def join_columns(sizes: Sequence[int], parts: Mapping[int, Column]) -> Column:
    """One column of neighbouring blocks with these numbers of rows; `parts` by block."""
    starts = np.cumsum([0, *sizes])
    rows = None
    if len(parts) < len(sizes) or any(column.rows is not None for column in parts.values()):
        rows = np.concatenate(
            [
                starts[place] + (np.arange(sizes[place]) if one.rows is None else one.rows)
                for place, one in parts.items()
            ]
        )
    return Column(np.concatenate([column.values for column in parts.values()]), rows)
