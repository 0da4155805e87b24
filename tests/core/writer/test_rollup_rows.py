"""Counting at ingest: the rollups always equal the contents of the archive."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.core.ordering import order_key, time_key, unsigned_time
from nova.core.store.archive import Archive
from nova.core.store.rollup import FINEST_LEVEL, counted_events
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.committer import Committer
from nova.core.writer.rollup_counts import scope_counts
from nova.core.writer.rollup_rows import RollupRows
from nova.sdk.address import LANES
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, rollups_by_hand, rollups_of, telling, told
from tests.laws import law

SECOND_NS = 1_000_000_000
SCOPES = ("sat", "other", "a-b_c")

EVENTS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 50, 134, 135, 1_000, 9_000, 400_000_000]),
        st.sampled_from(LANES),
        st.sampled_from(SCOPES),
    ),
    max_size=25,
)


def records(events: list[tuple[int, str, str]], unit: str) -> list[Record]:
    """Records of events (ms, lane, scope)."""
    return [
        telling(START_NS + ms * 1_000_000, {"n": number}, scope=scope, lane=lane, unit=unit)
        for number, (ms, lane, scope) in enumerate(events)
    ]


@law(40)
@given(parts=st.lists(EVENTS, min_size=1, max_size=4), restart=st.integers(0, 3))
def test_rollups_are_a_count_of_the_archive(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[int, str, str]]], restart: int
) -> None:
    """Late events, copies, several scopes in a batch, and a writer that starts anew."""
    data = tmp_path_factory.mktemp("rollups")
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    for number, part in enumerate(parts):
        if number == restart:
            committer = Committer(archive, data)
        committer.add_batch("link", Batch(records(part, "u")))
        committer.add_batch("link", Batch(records(part, f"u{number}")))
        committer.close_commit()
        assert rollups_of(archive) == rollups_by_hand(told(archive))
    assert counted_events(archive) == committer.counters.events
    archive.close()


def test_rows_that_were_forgotten_are_read_again(archive: Archive) -> None:
    """A late event finds the row of its bucket, whatever has been forgotten meanwhile."""
    dice = random.Random(3)
    rollups = RollupRows(archive, cached_max=4)
    times = [dice.randrange(3_000) * SECOND_NS for _ in range(300)]
    for number, time_ns in enumerate(times):
        place = time_key(START_NS + number) + bytes(4)
        counts = scope_counts("sat", [place], [order_key(time_ns, 3, bytes(32))])
        batch = archive.batch()
        batch.put_records(rollups.after(counts))
        archive.write(batch)
    assert counted_events(archive) == len(times)
    expected = Counter(unsigned_time(time_ns) >> FINEST_LEVEL for time_ns in times)
    found = {
        bucket: count
        for (timebase, level, _, bucket, _), count in rollups_of(archive).items()
        if (timebase, level) == ("s", FINEST_LEVEL)
    }
    assert found == expected


def test_a_batch_across_the_edge_of_a_bucket_is_cut_there(archive: Archive, tmp_path: Path) -> None:
    """Its receive times are a nanosecond apart, and a bucket may end between two of them."""
    edge_ns = ((unsigned_time(START_NS) >> FINEST_LEVEL) << FINEST_LEVEL) - unsigned_time(0)
    committer = Committer(archive, tmp_path, clock=lambda: edge_ns - 4)
    committer.add_batch(
        "link", Batch([telling(START_NS + n, lane=LANES[n % 5]) for n in range(10)])
    )
    committer.close_commit()
    events = told(archive)
    assert [one.canonical_ns - edge_ns for one in events] == list(range(-4, 6))
    assert rollups_of(archive) == rollups_by_hand(events)


def test_a_large_batch_is_counted_once_however_it_is_split(
    archive: Archive, tmp_path: Path
) -> None:
    """Commits close in the middle of a batch where it is large."""
    committer = Committer(archive, tmp_path, limits=CommitLimits(commit_max_bytes=2_000))
    mixed = [telling(START_NS + n * SECOND_NS, scope=SCOPES[n % 2]) for n in range(60)]
    _, closed = committer.add_batch("link", Batch(mixed))
    committer.close_commit()
    assert len(closed) > 3
    assert rollups_of(archive) == rollups_by_hand(told(archive))


def test_a_crash_leaves_the_counts_of_what_it_leaves(tmp_path: Path) -> None:
    """A power cut anywhere behind the durable mark: rows and events are of one batch."""
    data = tmp_path / "live"
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    for number in range(40):
        committer.add_batch("link", Batch([telling(START_NS + number * SECOND_NS // 9)]))
        committer.close_commit()
    archive.sync()
    log = max((data / "truth").glob("*.log"))
    size = log.stat().st_size
    for share in (3, 5, 8):
        copy = tmp_path / f"cut{share}"
        shutil.copytree(data, copy)
        (copy / "truth" / "LOCK").unlink()
        cut = copy / "truth" / log.name
        cut.write_bytes(cut.read_bytes()[: size * share // 9])
        crashed = Archive.open_primary(copy)
        events = told(crashed)
        assert 0 < len(events) < 40
        assert rollups_of(crashed) == rollups_by_hand(events)
        crashed.close()
    archive.close()
