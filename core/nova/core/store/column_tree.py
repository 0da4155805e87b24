"""Which blocks a series has: a function of the number of its events alone.

Events are stored in units of `unit_events`. A full block has `block_units` of them; what follows
the last full block is in blocks of the powers of two that add up to it, the largest first, so an
event is rewritten a few times at most until its block is full. A block of level n + 1 summarises
`fan_out` full blocks of level n, and never changes either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec


class BlockSizes(msgspec.Struct, array_like=True, frozen=True):
    """Numbers of events, units, blocks and cells, stored with each series."""

    unit_events: int = 256
    block_units: int = 32
    """A power of two."""

    fan_out: int = 16
    cells_max: int = 512
    """Time buckets of a summary."""


BLOCK_SIZES = BlockSizes()


class BlockId(NamedTuple):
    """A block: its level, and its number. On level 0 that is its first unit, above it counts."""

    level: int
    number: int


class ValueBlock(NamedTuple):
    """A block of level 0: its number, and how many units it has."""

    number: int
    units: int

    @property
    def block_id(self) -> BlockId:
        return BlockId(0, self.number)


def value_blocks(units: int, sizes: BlockSizes, first: int = 0) -> Iterator[ValueBlock]:
    """The blocks with values of a series of `units` units, from the one with number `first` on."""
    full = units - units % sizes.block_units
    for number in range(first, full, sizes.block_units):
        yield ValueBlock(number, sizes.block_units)
    yield from _tail(units, max(first, full))


def _tail(units: int, number: int) -> Iterator[ValueBlock]:
    while (rest := units - number) > 0:
        yield ValueBlock(number, 1 << rest.bit_length() - 1)
        number += 1 << rest.bit_length() - 1


def changed_blocks(
    before: int, after: int, sizes: BlockSizes
) -> tuple[list[ValueBlock], list[ValueBlock]]:
    """The blocks that are replaced when a series grows, and those that take their place."""
    first = before - before % sizes.block_units
    old = list(value_blocks(before, sizes, first))
    new = list(value_blocks(after, sizes, first))
    same = 0
    while same < len(old) and old[same] == new[same]:
        same += 1
    return old[same:], new[same:]


def roots(units: int, sizes: BlockSizes) -> list[BlockId]:
    """The blocks of all levels that no summary covers; together they hold each event once."""
    found = [block.block_id for block in _tail(units, units - units % sizes.block_units)]
    level, count = 0, units // sizes.block_units
    while count:
        scale = sizes.block_units if level == 0 else 1
        covered = count - count % sizes.fan_out
        found += [BlockId(level, number * scale) for number in range(covered, count)]
        level, count = level + 1, count // sizes.fan_out
    return found


def children(block: BlockId, sizes: BlockSizes) -> list[BlockId]:
    """The blocks that a summary covers."""
    scale = sizes.block_units if block.level == 1 else 1
    first = block.number * sizes.fan_out
    return [
        BlockId(block.level - 1, number * scale) for number in range(first, first + sizes.fan_out)
    ]


def parent(block: BlockId, sizes: BlockSizes) -> BlockId:
    """The summary that covers a full block, once it exists."""
    scale = sizes.block_units if block.level == 0 else 1
    return BlockId(block.level + 1, block.number // scale // sizes.fan_out)


def is_last_child(block: BlockId, sizes: BlockSizes) -> bool:
    """Whether a full block completes its summary."""
    return children(parent(block, sizes), sizes)[-1] == block


def all_blocks(units: int, sizes: BlockSizes) -> Iterator[BlockId]:
    """The blocks of all levels of a series."""
    for block in value_blocks(units, sizes):
        yield block.block_id
    level, count = 1, units // sizes.block_units // sizes.fan_out
    while count:
        yield from (BlockId(level, number) for number in range(count))
        level, count = level + 1, count // sizes.fan_out
