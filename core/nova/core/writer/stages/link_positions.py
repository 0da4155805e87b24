"""Advances the positions of a link past a batch."""

from __future__ import annotations

from nova.core.writer.additions import NOTHING, Additions
from nova.core.writer.commit import Commit
from nova.core.writer.delivered_batch import DeliveredBatch


def advance_positions(delivered: DeliveredBatch, commit: Commit) -> Additions:
    """Streams that the batch does not name keep their positions."""
    if not delivered.batch.positions:
        return NOTHING
    before = commit.state.positions.get(delivered.link, {})
    return Additions(positions={delivered.link: before | delivered.batch.positions})
