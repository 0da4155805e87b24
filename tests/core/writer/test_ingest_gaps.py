"""Gaps: records that a transport no longer has become an event in the commit that moves past
them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.core.writer.ingest_gaps import INGEST_GAP, gap_event
from nova.sdk.events.event import check_stored
from nova.sdk.transport.base import Batch, Gap, Record

Make = Callable[..., Record]
LINK = "kafka://broker:9092"
GAP = Gap("nova.sat.raw.v1", 3, 10, 25, "retention", "sat")
STREAM = "nova.sat.raw.v1/3"


def stored(archive: Archive) -> list[bytes]:
    """The stored envelopes in canonical order."""
    rows = archive.events.scan("canonical")
    return [value for _, value in rows]


def test_a_gap_is_an_event_before_the_records_behind_it(
    archive: Archive, committer: Committer, record: Make
) -> None:
    """Pitfalls row 14: the missing range is written where users see it, with link and place."""
    receipt, _ = committer.add_batch(LINK, Batch([record(1)], {STREAM: 26}, [GAP]))
    committer.close_commit()
    told, behind = stored(archive)
    event, canonical_ns = check_stored(told)
    assert event.series[:2] == ("sat", "metadata")
    assert event.series.message_type == INGEST_GAP
    assert event.source_ns < canonical_ns
    assert msgspec.json.decode(told)["payload"] == {
        "link": LINK,
        "topic": "nova.sat.raw.v1",
        "partition": 3,
        "from": 10,
        "to": 25,
        "reason": "retention",
    }
    assert b'"n":1' in behind
    assert receipt.new == 1
    counted = committer.counters.links[LINK]
    assert (counted.received, counted.new, counted.gaps) == (1, 1, 1)


def test_a_gap_and_the_position_behind_it_are_stored_together(
    tmp_path: Path, archive: Archive, committer: Committer
) -> None:
    """A crash finds both or neither: each gap is reported exactly once."""
    committer.add_batch(LINK, Batch([], {STREAM: 25}, [GAP]))
    assert Committer(archive, tmp_path).load_positions(LINK) == {}
    assert stored(archive) == []
    committer.close_commit()
    assert Committer(archive, tmp_path).load_positions(LINK) == {STREAM: 25}
    assert len(stored(archive)) == 1


def test_every_gap_of_a_batch_is_told(archive: Archive, committer: Committer) -> None:
    """Two partitions that lost the same range are two facts."""
    committer.add_batch(LINK, Batch([], {}, [GAP, GAP._replace(partition=4), GAP]))
    committer.close_commit()
    assert len(stored(archive)) == committer.counters.events == 3


@pytest.mark.parametrize(("of_stream", "told"), [("sat", "sat"), (None, "archive-1")])
def test_a_gap_belongs_to_its_streams_scope_or_else_to_the_core(
    of_stream: str | None, told: str
) -> None:
    """AMB-13: a stream of many scopes has none of its own."""
    gap = Gap("nova", None, 9, 4, "truncated", of_stream)
    event = gap_event("nats://broker:4222", gap, scope_id="archive-1", now_ns=1)
    assert event.series.scope_id == told
    assert b'"partition"' not in event.body
