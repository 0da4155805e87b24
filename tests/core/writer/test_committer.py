"""Committing: each event once, in order of arrival, with everything that belongs to it in one
batch.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import order_key, time_of
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import write_marker
from nova.core.store.scan import scan
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.committer import Committer
from nova.sdk.events.event import check_stored
from nova.sdk.transport.base import Batch, Record
from tests.laws import law

Make = Callable[..., Record]
EVERYTHING = (b"", b"\xff" * 64)
COMMITTED = ("canonical", "source", "series_canonical", "series_source")


def stored(archive: Archive) -> list[bytes]:
    """The stored envelopes in canonical order."""
    return [value for _, value in archive.events.scan("canonical")]


def test_an_event_comes_once_inside_a_batch_and_across(
    archive: Archive, committer: Committer, record: Make
) -> None:
    """A-056, A-081, A-085, A-116: the first seen wins, later ones are counted."""
    first, _ = committer.add_batch("a", Batch([record(1), record(2), record(1)]))
    committer.close_commit()
    second, _ = committer.add_batch("b", Batch([record(2), record(3)]))
    committer.close_commit()
    assert (first.new, first.duplicate) == (2, 1)
    assert (second.new, second.duplicate) == (1, 1)
    assert len(stored(archive)) == committer.counters.events == 3
    for family in COMMITTED:
        assert sum(1 for _ in scan(archive.families[family], *EVERYTHING)) == 3


def test_batches_of_one_commit_dedupe_against_each_other(
    archive: Archive, committer: Committer, record: Make
) -> None:
    """Redundant links often meet in one group commit."""
    committer.add_batch("a", Batch([record(1)]))
    receipt, _ = committer.add_batch("b", Batch([record(1)]))
    committer.close_commit()
    assert (receipt.new, receipt.duplicate) == (0, 1)
    assert len(stored(archive)) == 1


def test_stored_envelopes_prove_themselves(
    archive: Archive, committer: Committer, record: Make
) -> None:
    """A-063, A-086: each stored event's id follows from its content; keys and content agree."""
    lanes = ("metadata", "ui", "parsed", "raw")
    committer.add_batch("a", Batch([record(n, lane=lane) for n, lane in enumerate(lanes)]))
    committer.close_commit()
    for key, value in archive.events.scan("canonical"):
        event, canonical_ns = check_stored(value)
        assert time_of(key) == canonical_ns
        source_key = order_key(event.source_ns, event.lane, event.event_id)
        assert archive.events.event_key(source_key) == key


def test_canonical_time_grows_though_the_clock_steps_back(
    archive: Archive, tmp_path: Path, record: Make
) -> None:
    """AMB-15: arrival order is canonical order, also when the wall clock jumps or stands still."""
    ticks = itertools.cycle([5_000, 5_000, 3_000, 9_000, 1_000])
    committer = Committer(archive, tmp_path, clock=lambda: next(ticks))
    committer.add_batch("a", Batch([record(n) for n in range(20)]))
    committer.close_commit()
    times = [time_of(key) for key, _ in archive.events.scan("canonical")]
    assert len(set(times)) == 20
    numbers = [int(one.split(b'"n":')[1].split(b"}")[0]) for one in stored(archive)]
    assert numbers == list(range(20))
    again = Committer(archive, tmp_path, clock=lambda: 0)
    assert again.last_ns == times[-1]


def test_refusals_keep_bytes_reason_and_position(
    archive: Archive, committer: Committer, record: Make
) -> None:
    """Invariant 7: a refused record is kept complete, with reason and position."""
    bad = Record("nova.sat.raw.bus.eps.u.v1", b'{"lane":"raw"}', "topic/0@17")
    receipt, _ = committer.add_batch("a", Batch([record(1), bad, record(2)], {"topic/0": 18}))
    committer.close_commit()
    assert (receipt.new, len(receipt.rejected)) == (2, 1)
    assert receipt.rejected[0].place == 1
    found = archive.record.rejects().first(0)
    assert found is not None
    reject = catalog.decode_reject(found[1])
    assert (reject.raw, reject.position, reject.code) == (bad.value, "topic/0@17", "missingMember")
    assert reject.member in reject.reason


def test_positions_are_in_the_batch_of_their_events(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path
) -> None:
    """AMB-18: what resumes and what is stored can never disagree."""
    committer.add_batch("a", Batch([record(1)], {"s/0": 1, "s/1": 0}))
    assert Committer(archive, tmp_path).load_positions("a") == {}
    committer.close_commit()
    committer.add_batch("a", Batch([record(2)], {"s/1": 4}))
    committer.close_commit()
    assert Committer(archive, tmp_path).load_positions("a") == {"s/0": 1, "s/1": 4}


def test_a_batch_beyond_the_commit_size_is_split_and_still_exact(
    archive: Archive, tmp_path: Path, record: Make
) -> None:
    """Positions and refusals wait for the last part: a crash in between adds nothing."""
    records = [record(n) for n in range(300)]
    records.insert(10, Record(None, b"garbage", "s@10"))
    broken = Committer(archive, tmp_path, limits=CommitLimits(commit_max_bytes=16 * 1024))
    _, closed = broken.add_batch("a", Batch(records, {"s": 301}))
    assert len(closed) > 2
    assert all(commit.events for commit in closed)
    # The last part was never written: a crash. A new writer finds no position and starts over.
    after = Committer(archive, tmp_path)
    assert after.load_positions("a") == {}
    assert after.counters.rejects == 0
    after.add_batch("a", Batch(records, {"s": 301}))
    after.close_commit()
    assert after.counters.events == len(stored(archive)) == 300
    assert after.counters.rejects == 1


def test_a_command_request_is_known_by_its_request_id(
    archive: Archive, committer: Committer
) -> None:
    """A-183, AMB-21: the first CommandRequest of a requestId in a scope is found by it."""
    body = (
        b'{"scopeId":"%b","lane":"command","systemId":"s","containerId":"c","uniqueId":"u",'
        b'"sourceTruthTime":"2026-01-01T00:00:0%dZ","messageType":"CommandRequest",'
        b'"commandId":"c1","requestId":"r1","targetId":"u","commandType":"go",'
        b'"timelineMode":"LIVE","payload":{}}'
    )
    records = [Record(None, body % (scope, n)) for n, scope in enumerate((b"a", b"a", b"b"))]
    committer.add_batch("x", Batch(records))
    committer.close_commit()
    first = archive.record.request("a", "r1")
    other = archive.record.request("b", "r1")
    assert first is not None and other is not None and first != other
    assert archive.events.event_key(first) is not None
    assert len(stored(archive)) == 3
    assert committer.counters.request_clashes == 1
    assert archive.families.read("catalog", catalog.command_key("a", "c1")) == b"r1"


def test_what_is_told_of_an_unknown_command_is_stored_and_counted(
    archive: Archive, committer: Committer
) -> None:
    """AMB-25: also where the request comes in the same batch, in front of it or behind."""
    head = (
        b'{"scopeId":"a","lane":"command","systemId":"s","containerId":"c","uniqueId":"u",'
        b'"sourceTruthTime":"2026-01-01T00:00:0%dZ","commandId":"%b","targetId":"u",'
        b'"commandType":"go",'
    )
    progress = b'"messageType":"CommandProgress","progressPercent":1}'
    request = b'"messageType":"CommandRequest","requestId":"r1","timelineMode":"LIVE","payload":{}}'
    parts = ((1, b"c1", progress), (2, b"c1", request), (3, b"c1", progress), (4, b"c2", progress))
    records = [Record(None, head % (at, name) + tail) for at, name, tail in parts]
    committer.add_batch("x", Batch(records[1:]))
    committer.add_batch("x", Batch(records[:1]))
    committer.close_commit()
    assert committer.counters.unknown_commands == 1
    assert len(stored(archive)) == 4


def test_a_payload_refuses_other_scopes(archive: Archive, tmp_path: Path, record: Make) -> None:
    """A-077, A-286: configuration is one of the sources that must agree."""
    committer = Committer(archive, tmp_path, scope_id="other")
    receipt, _ = committer.add_batch("a", Batch([record(1)]))
    assert [rejection.member for rejection in receipt.rejected] == ["scopeId"]


@law(25)
@given(numbers=st.lists(st.integers(0, 15), max_size=60), seed=st.integers(0, 1000))
def test_any_arrival_makes_the_same_source_order(
    numbers: list[int], seed: int, record: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A-313: duplicates and shuffles change arrival, never the set or its source order."""
    found = []
    for order in (numbers, random.Random(seed).sample(numbers, len(numbers))):
        data = tmp_path_factory.mktemp("arrival")
        archive = Archive.open_primary(data)
        committer = Committer(archive, data)
        for start in range(0, len(order), 7):
            committer.add_batch("a", Batch([record(n) for n in order[start : start + 7]]))
            committer.close_commit()
        found.append([key for key, _ in archive.events.scan("source")])
        archive.close()
    assert found[0] == found[1]
    assert len(found[0]) == len(set(numbers))


def test_a_split_batch_still_dedupes_the_one_behind_it(
    archive: Archive, tmp_path: Path, record: Make
) -> None:
    """A-056, A-081: what waits in the open commit is known, also behind one closed midway."""
    records = [record(n) for n in range(100)]
    committer = Committer(archive, tmp_path, limits=CommitLimits(commit_max_bytes=8 * 1024))
    first, closed = committer.add_batch("a", Batch(records))
    assert closed
    second, _ = committer.add_batch("b", Batch(records))
    committer.close_commit()
    assert (first.new, second.new, second.duplicate) == (100, 0, 100)
    for family in COMMITTED:
        assert sum(1 for _ in scan(archive.families[family], *EVERYTHING)) == 100


def test_the_witness_never_claims_what_is_not_written(
    archive: Archive, committer: Committer, record: Make, tmp_path: Path
) -> None:
    """A stop between taking a batch and closing its commit leaves an archive that opens again."""
    committer.add_batch("a", Batch([record(1)], {"s": 1}))
    committer.close_commit()
    before = committer.marker()
    committer.add_batch("a", Batch([record(2), Record(None, b"bad")], {"s": 3}))
    assert committer.marker() == before
    write_marker(tmp_path, committer.marker())
    assert Committer(archive, tmp_path).counters.events == 1
    committer.close_commit()
    assert committer.marker().events == 2
    assert committer.marker().positions == {"a": {"s": 3}}


@pytest.mark.parametrize("most", [1, 7, 100])
def test_no_commit_has_more_events_than_the_setting_says(
    archive: Archive, tmp_path: Path, record: Make, most: int
) -> None:
    """Whatever a batch brings, and together with what is in the open commit already."""
    committer = Committer(archive, tmp_path, limits=CommitLimits(commit_max_events=most))
    commits = []
    for start, count in ((0, 3), (3, 50), (40, 30), (70, 1)):
        records = [record(n) for n in range(start, start + count)]
        commits += committer.add_batch("a", Batch(records, {"s": start + count}))[1]
    commits.append(committer.close_commit())
    sizes = [len(commit.events or ()) for commit in commits]
    assert sum(sizes) == 71 and max(sizes) == min(most, 71)
    assert Committer(archive, tmp_path).load_positions("a") == {"s": 71}
    for family in COMMITTED:
        assert sum(1 for _ in scan(archive.families[family], *EVERYTHING)) == 71
