"""The sampler's columns are those of the events before its cursor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SAMPLER_LIMITS, SamplerLimits
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.archive import Archive
from nova.core.store.column_tree import BlockSizes
from nova.core.store.key_value import KeyValue
from nova.core.store.sample_store import SAMPLES_FOLDER, SampleStore
from nova.core.writer.committer import Committer
from nova.sdk.transport.base import Batch
from tests.core.copying import copy_unchanged
from tests.core.telling import START_NS, telling

EVENTS = 300
SIZES = BlockSizes(unit_events=4, block_units=4, fan_out=2, cells_max=6)


@pytest.fixture
def follower(tmp_path: Path, archive: Archive, committer: Committer) -> Iterator[ArchiveSnapshot]:
    """A sampler's snapshot of an archive with two numeric series and one without numbers."""
    records = [
        telling(
            START_NS + n * 37 % EVENTS * 10**8, {"n": n / 7, "on": n % 2 == 0}, unit=unit, lane=lane
        )
        for n in range(EVENTS)
        for unit, lane in (("a", "ui"), ("b", "parsed"), ("a", "raw"))
    ]
    committer.add_batch("link", Batch(records))
    committer.close_commit()
    view = ArchiveSnapshot(Archive.open_secondary(tmp_path, tmp_path / "scratch"))
    yield view
    view.archive.close()


def sampled(
    view: ArchiveSnapshot,
    data: Path,
    mark: int,
    writes: int | None = None,
    limits: SamplerLimits = SAMPLER_LIMITS,
) -> list[KeyValue]:
    """The stored rows after a sampler ran, or was killed after a number of writes."""
    store = SampleStore.open_primary(data)
    try:
        for done, _ in enumerate(Sampler(view, store, limits).sample(mark), 1):
            if done == writes:
                break
        return store.all_rows()
    finally:
        store.close()


def test_a_sampler_that_was_killed_ends_as_one_that_was_not(
    follower: ArchiveSnapshot, committer: Committer, tmp_path: Path
) -> None:
    """Blocks and cursor are written together, and chunks begin where others ended."""
    limits = SamplerLimits(SIZES, chunk_max_events=23)
    mark = committer.last_ns
    whole = sampled(follower, tmp_path / "whole", mark, limits=limits)
    for _ in range(30):
        parts = sampled(follower, tmp_path / "parts", mark, writes=4, limits=limits)
    assert parts == whole
    assert len(whole) > 40


def test_columns_do_not_depend_on_memory(
    follower: ArchiveSnapshot, committer: Committer, tmp_path: Path
) -> None:
    """Whether events wait, are made columns early, or are forgotten and read again."""
    whole = sampled(follower, tmp_path / "whole", committer.last_ns, limits=SamplerLimits(SIZES))
    small = SamplerLimits(
        SIZES, chunk_max_events=7, stored_max_bytes=400, blocks_max_bytes=900, extract_min_events=2
    )
    for number, limits in enumerate((small, small._replace(cached_max_series=1))):
        folder = tmp_path / str(number)
        assert sampled(follower, folder, committer.last_ns, limits=limits) == whole


def test_samples_of_another_archive_are_forgotten(
    follower: ArchiveSnapshot, committer: Committer, tmp_path: Path
) -> None:
    """An archive that was moved away takes its truth with it."""
    before = sampled(follower, tmp_path, committer.last_ns)
    other = tmp_path / "other"
    archive = Archive.open_primary(other)
    writer = Committer(archive, other)
    writer.add_batch("link", Batch([telling(START_NS, {"n": 1})]))
    writer.close_commit()
    view = ArchiveSnapshot(Archive.open_secondary(other, tmp_path / "scratch2"))
    (tmp_path / SAMPLES_FOLDER).rename(other / SAMPLES_FOLDER)
    after = sampled(view, other, writer.last_ns)
    view.archive.close()
    archive.close()
    assert len(after) == 1 < len(before)


def test_samples_of_a_later_state_of_an_archive_are_forgotten(
    follower: ArchiveSnapshot, committer: Committer, tmp_path: Path
) -> None:
    """An archive was put back from a copy and then took in again what it lacked, under other
    receive times: nothing may be counted twice.
    """
    copy = tmp_path / "copy"
    committer.archive.sync()
    copy_unchanged(tmp_path / "truth", copy / "truth", "LOCK")
    later = [telling(START_NS + n, {"n": n}) for n in range(30)]
    committer.add_batch("link", Batch(later))
    committer.close_commit()
    sampled(follower, copy, committer.last_ns)
    archive = Archive.open_primary(copy)
    writer = Committer(archive, copy, clock=lambda: committer.last_ns + 10)
    writer.add_batch("link", Batch(later))
    writer.close_commit()
    view = ArchiveSnapshot(Archive.open_secondary(copy, tmp_path / "scratch2"))
    after = sampled(view, copy, writer.last_ns)
    assert after == sampled(view, tmp_path / "anew", writer.last_ns)
    view.archive.close()
    archive.close()


def test_a_chunk_that_was_left_is_taken_again(
    follower: ArchiveSnapshot, committer: Committer, tmp_path: Path
) -> None:
    """Whoever stops between two slices has lost nothing and counts nothing twice."""
    limits = SamplerLimits(SIZES)
    whole = sampled(follower, tmp_path / "whole", committer.last_ns, limits=limits)
    store = SampleStore.open_primary(tmp_path / "left")
    sampler = Sampler(follower, store, limits._replace(slice_max_events=50))
    for steps in (1, 3):
        working = sampler.sample(committer.last_ns)
        assert [next(working) for _ in range(steps)] == [0] * steps
        working.close()
    assert sum(sampler.sample(committer.last_ns)) == 2 * EVENTS
    assert store.all_rows() == whole
    store.close()


def test_samples_that_cannot_be_read_are_made_anew(
    follower: ArchiveSnapshot, committer: Committer, tmp_path: Path
) -> None:
    """They are derived: damage costs time and nothing else."""
    before = sampled(follower, tmp_path, committer.last_ns)
    (tmp_path / SAMPLES_FOLDER / "CURRENT").write_bytes(b"nonsense")
    assert sampled(follower, tmp_path, committer.last_ns) == before
