"""Counts what a link has delivered."""

from __future__ import annotations

from nova.core.store.catalog import LinkCounters
from nova.core.writer.additions import Additions, Increments
from nova.core.writer.canonical_clock import CanonicalClock
from nova.core.writer.commit import Commit
from nova.core.writer.delivered_batch import DeliveredBatch

NEVER = LinkCounters()


class LinkCounts:
    def __init__(self, clock: CanonicalClock) -> None:
        self._clock = clock

    def __call__(self, delivered: DeliveredBatch, commit: Commit) -> Additions:
        batch, receipt = delivered.batch, delivered.receipt
        before = commit.state.counters.links.get(delivered.link, NEVER)
        after = LinkCounters(
            received=before.received + len(batch.records),
            new=before.new + receipt.new,
            duplicate=before.duplicate + receipt.duplicate,
            rejected=before.rejected + len(receipt.rejected),
            gaps=before.gaps + len(batch.gaps),
            last_ns=self._clock.now_ns() if batch.records else before.last_ns,
        )
        return Additions(
            links={delivered.link: after}, increments=Increments(duplicates=receipt.duplicate)
        )
