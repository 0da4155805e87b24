"""Records the rejected records of a batch, each with its reason and its bytes."""

from __future__ import annotations

from nova.core.store import catalog
from nova.core.store.catalog import Reject
from nova.core.writer.additions import NOTHING, Additions, Increments
from nova.core.writer.canonical_clock import CanonicalClock
from nova.core.writer.commit import Commit
from nova.core.writer.delivered_batch import DeliveredBatch
from nova.sdk.transport.base import Rejection

REJECT_RAW_MAX_BYTES = 8 * 1024 * 1024
"""Bytes that are stored of a rejected record; of a larger one its first bytes and its size."""


class RejectLog:
    """Each reject has a canonical time of its own."""

    def __init__(self, clock: CanonicalClock, raw_max_bytes: int = REJECT_RAW_MAX_BYTES) -> None:
        self._clock = clock
        self._raw_max_bytes = raw_max_bytes

    def __call__(self, delivered: DeliveredBatch, commit: Commit) -> Additions:
        rejected = delivered.receipt.rejected
        if not rejected:
            return NOTHING
        first = commit.state.counters.rejects
        rows = [
            (catalog.reject_key(number), catalog.encode_reject(self._reject(delivered, one)))
            for number, one in enumerate(rejected, first)
        ]
        return Additions(rows=rows, increments=Increments(rejects=len(rows)))

    def _reject(self, delivered: DeliveredBatch, rejected: Rejection) -> Reject:
        record = delivered.batch.records[rejected.place]
        return Reject(
            canonical_ns=self._clock.next_ns(),
            code=rejected.code,
            member=rejected.member,
            reason=rejected.reason,
            link=delivered.link,
            position=record.position,
            address=record.address,
            size=len(record.value),
            raw=record.value[: self._raw_max_bytes],
        )
