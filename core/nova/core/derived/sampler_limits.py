"""The limits of sampling."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.query.range_cursor import SLICE_MAX_ROWS
from nova.core.store.sample_store import FIELDS_MAX


class SamplerLimits(NamedTuple):
    """When sampling of a series starts, and the limits of a chunk, which is written at once."""

    start_at_events: int = 1_000
    fields_max: int = FIELDS_MAX
    """Sampled fields per series."""

    slice_max_events: int = SLICE_MAX_ROWS
    chunk_max_events: int = 100_000
    chunk_max_values: int = 600_000
    """A value takes some 30 bytes; with the rows computed from them, a chunk needs at most 200 MiB.
    """

    cached_max_series: int = 20_000


SAMPLER_LIMITS = SamplerLimits()
