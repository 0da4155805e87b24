"""The limits of sampling."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.query.range_cursor import SLICE_MAX_ROWS
from nova.core.store.column_tree import BLOCK_SIZES, BlockSizes
from nova.core.store.sample_store import FIELDS_MAX

MIB = 1024 * 1024


class SamplerLimits(NamedTuple):
    """The sizes of blocks, and what the sampler keeps in memory until it is written."""

    sizes: BlockSizes = BLOCK_SIZES
    fields_max: int = FIELDS_MAX
    """Numeric fields of a series that are stored, and enumerated ones."""

    slice_max_events: int = SLICE_MAX_ROWS
    chunk_max_events: int = 20_000
    slice_max_bytes: int = 4 * MIB
    chunk_max_slices: int = 8
    """Events between two writes of the cursor."""

    stored_max_bytes: int = 32 * MIB
    """Events of series that have less than a unit of them. Beyond that they are made columns, and
    if they are fewer than `extract_min_events`, read again.
    """

    extract_min_events: int = 32

    blocks_max_bytes: int = 32 * MIB
    """Columns that are not written yet because their blocks are not full."""

    cached_max_series: int = 20_000


SAMPLER_LIMITS = SamplerLimits()
"""The limits of a sampler."""
