"""The reject log: each refused record with its reason, its bytes and a time of its own."""

from __future__ import annotations

from collections.abc import Callable

from nova.core.store import catalog
from nova.core.writer.commit import Commit
from nova.core.writer.stages.reject_log import RejectLog
from nova.sdk.transport.base import Record
from tests.core.conftest import START_NS
from tests.core.writer.staging import delivered, run

Make = Callable[..., Record]


def test_what_is_refused_is_kept_with_place_and_reason(open_commit: Commit, record: Make) -> None:
    """Invariant 7; of a large record the first bytes and its size."""
    bad = [Record("nova.x", b'{"lane":"raw"}', "s@7"), Record(None, b"garbage", "s@9")]
    open_commit.state.counters.rejects = 4
    log = RejectLog(open_commit.state.clock, raw_max_bytes=10)
    batch = delivered([bad[0], record(1), bad[1]], link="a")
    added = run(log, batch, open_commit)
    assert [key for key, _ in added.rows] == [catalog.reject_key(4), catalog.reject_key(5)]
    found = [catalog.decode_reject(value) for _, value in added.rows]
    assert [one.canonical_ns - START_NS for one in found] == [0, 1]
    assert [(one.link, one.position, one.address) for one in found] == [
        ("a", "s@7", "nova.x"),
        ("a", "s@9", None),
    ]
    assert [(one.size, one.raw) for one in found] == [(14, b'{"lane":"r'), (7, b"garbage")]
    assert [one.reason for one in found] == [one.reason for one in batch.receipt.rejected]
    assert added.increments.rejects == 2


def test_a_batch_without_rejects_takes_no_time(open_commit: Commit, record: Make) -> None:
    """Canonical times are for what is stored."""
    before = open_commit.state.clock.last_ns
    assert not run(RejectLog(open_commit.state.clock), delivered([record(1)]), open_commit).rows
    assert open_commit.state.clock.last_ns == before
