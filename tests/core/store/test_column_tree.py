"""Which blocks a series has depends on the number of its events alone, and they hold each once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nova.core.store.column_tree import (
    BlockId,
    BlockSizes,
    all_blocks,
    changed_blocks,
    children,
    is_last_child,
    parent,
    roots,
    value_blocks,
)

SIZES = st.builds(
    BlockSizes, st.just(1), st.sampled_from([1, 2, 4, 32]), st.integers(2, 5), st.just(8)
)
UNITS = st.integers(0, 300)


def units_below(block: BlockId, units: int, sizes: BlockSizes) -> list[int]:
    """The units in a block, in order."""
    if block.level:
        return [unit for one in children(block, sizes) for unit in units_below(one, units, sizes)]
    (found,) = [one for one in value_blocks(units, sizes) if one.number == block.number]
    return list(range(found.number, found.number + found.units))


@given(UNITS, SIZES)
def test_blocks_hold_each_unit_once(units: int, sizes: BlockSizes) -> None:
    blocks = list(value_blocks(units, sizes))
    assert [n for one in blocks for n in range(one.number, one.number + one.units)] == list(
        range(units)
    )
    found = sorted(n for block in roots(units, sizes) for n in units_below(block, units, sizes))
    assert found == list(range(units))
    below = [one.units for one in blocks if one.units < sizes.block_units]
    assert below == sorted(set(below), reverse=True)


@given(UNITS, st.lists(st.integers(1, 90), max_size=6), SIZES)
def test_a_series_grows_into_the_same_blocks(
    units: int, more: list[int], sizes: BlockSizes
) -> None:
    """In whatever steps, and each change is at the end."""
    blocks = list(value_blocks(units, sizes))
    for one in more:
        old, new = changed_blocks(units, units + one, sizes)
        assert blocks[len(blocks) - len(old) :] == old
        blocks[len(blocks) - len(old) :] = new
        units += one
    assert blocks == list(value_blocks(units, sizes))


@given(UNITS, SIZES)
def test_a_summary_is_complete_with_its_last_block(units: int, sizes: BlockSizes) -> None:
    every = set(all_blocks(units, sizes))
    assert set(roots(units, sizes)) <= every
    for block in every:
        assert block.level == 0 or set(children(block, sizes)) <= every
    full = [
        block
        for block in every
        if block.level or block.number + sizes.block_units <= units - units % sizes.block_units
    ]
    for block in full:
        assert block in children(parent(block, sizes), sizes)
        if is_last_child(block, sizes):
            assert parent(block, sizes) in every
