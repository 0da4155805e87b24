"""The limits of making checkpoints."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.store.checkpoint_store import SEGMENT_EVENTS, VERSIONS_MAX


class CheckpointLimits(NamedTuple):
    """Limits of a segment, of a chunk of updates, which is written at once and in which late
    updates cause one re-fold per series, and of what is held in memory.
    """

    segment_events: int = SEGMENT_EVENTS
    versions_max: int = VERSIONS_MAX
    """Manifest versions recorded per view."""

    states_max: int = 16
    """Manifest versions whose states are held in memory."""

    chunk_max_events: int = 25_000
    chunk_max_bytes: int = 32 * 1024 * 1024
    pending_max_rows: int = 5_000
    cached_max_series: int = 20_000
    recent_max_bytes: int = 24 * 1024 * 1024
    """Newest updates in memory, of all cached series. They save a late update from causing those
    after it to be read from the archive.
    """


CHECKPOINT_LIMITS = CheckpointLimits()
