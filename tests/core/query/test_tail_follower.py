"""The makers of a process share a tail: each reads what it lacks, and what all have is dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from nova.core.commit_feed import CommitFrame
from nova.core.derived.checkpoint_limits import CheckpointLimits
from nova.core.derived.checkpoint_maker import CheckpointMaker
from nova.core.derived.sampler import Sampler
from nova.core.derived.sampler_limits import SamplerLimits
from nova.core.ordering import time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.query.tail_follower import KEPT_WITHIN_NS, WANTED_WITHIN_NS, SharedTail
from nova.core.store.archive import Archive
from nova.core.store.checkpoint_store import CheckpointStore
from nova.core.store.column_tree import BlockSizes
from nova.core.store.key_value import KeyValue
from nova.core.store.sample_store import SampleStore
from nova.core.writer.committer import Committer
from nova.sdk.timestamps import NS_MIN
from nova.sdk.transport.base import Batch, Record
from tests.core.telling import START_NS, telling

COMMITS = 40
SAMPLING = SamplerLimits(BlockSizes(unit_events=4, block_units=4, fan_out=2), chunk_max_events=9)
FOLDING = CheckpointLimits(segment_events=3, chunk_max_events=5)
RARELY_CACHED = (
    SAMPLING._replace(cached_max_series=2, stored_max_bytes=900, extract_min_events=2),
    FOLDING._replace(cached_max_series=1, recent_max_bytes=2_000),
)


def commit(time_ns: int) -> CommitFrame:
    return CommitFrame(time_ns, [], [(time_key(time_ns) + bytes(4), b"stored")])


def test_a_follower_reads_up_to_what_the_tail_has_whole() -> None:
    """Without a tail, up to the marker; one that is behind it, up to where it begins."""
    shared, cursor = SharedTail(), [5]
    with shared.followed(lambda: cursor[0]) as follower:
        assert follower.reach(NS_MIN) == NS_MIN and follower.reach(7) == 7
        shared.tail.apply(CommitFrame(10, [], None))
        assert follower.reach(7) == 10 and follower.reach(12) == 12
        cursor[0] = 10
        shared.tail.apply(commit(20))
        assert follower.reach(15) == 20 and follower.reach(25) == 20


def test_what_near_followers_lack_is_kept() -> None:
    """One that is far behind reads the archive, as does one that was never near."""
    shared, now = SharedTail(), 10 * KEPT_WITHIN_NS
    shared.tail.apply(CommitFrame(0, [], None))
    cursors = {"near": now - 2, "nearer": now, "far": 0}
    with ExitStack() as stack:
        followers = {
            name: stack.enter_context(shared.followed(partial(cursors.__getitem__, name)))
            for name in cursors
        }
        for time_ns in (now - 3, now - 1, now):
            shared.tail.apply(commit(time_ns))
        shared.tail.wanted.clear()
        followers["far"].finish_pass(lambda: now)
        assert shared.tail.covers(now - 2, now) and not shared.tail.covers(now - 3, now)
        assert not shared.tail.wanted.is_set()
        cursors["near"] = now
        followers["near"].finish_pass(lambda: now + WANTED_WITHIN_NS)
        assert shared.tail.wanted.is_set() and not shared.tail.covers(now, now)
    shared.tail.apply(commit(now + 1))
    shared.release()
    assert shared.tail.covers(now + 1, now + 1)


def drawn(number: int) -> list[Record]:
    """A few events of some series, every fifth of them late; new series appear all the time."""
    return [
        telling(
            START_NS + (number * 10 + n - (900 if n == 4 else 0)) * 10**9,
            {"n": number + n / 4, "state": "ab"[number % 2]},
            lane=("ui", "parsed")[n % 2],
            unit=f"u{(number // 8 + n) % 6}",
        )
        for n in range(8)
    ]


class Makers:
    """Samples and checkpoints of one archive, from one snapshot beside a tail."""

    def __init__(self, data: Path, folder: Path, limits: tuple[SamplerLimits, CheckpointLimits]):
        self.view = ArchiveSnapshot(Archive.open_secondary(data, folder / "scratch"))
        self.samples = SampleStore.open_primary(folder)
        self.checkpoints = CheckpointStore.open_primary(folder)
        self._limits = limits
        self.start()

    def start(self) -> None:
        """Begin with what is stored, as processes do that were killed."""
        self.view.series.load(self.view.archive)
        self.sampler = Sampler(self.view, self.samples, self._limits[0])
        self.maker = CheckpointMaker(self.view, self.checkpoints, self._limits[1])

    def make(self, watermark: int, steps: int | None = None) -> None:
        for working in (self.sampler.sample(watermark), self.maker.make(watermark)):
            for done, _ in enumerate(working, 1):
                if done == steps:
                    break

    def rows(self) -> list[KeyValue]:
        return self.samples.all_rows() + self.checkpoints.all_rows()

    def close(self) -> None:
        self.samples.close()
        self.checkpoints.close()
        self.view.archive.close()


@pytest.fixture
def making(
    archive: Archive, committer: Committer, tmp_path: Path
) -> Iterator[Callable[..., Makers]]:
    """Opens makers of the archive, each with databases of its own."""
    committer.add_batch("link", Batch(drawn(0)))
    committer.close_commit()
    archive.sync()
    opened: list[Makers] = []

    def make(limits: tuple[SamplerLimits, CheckpointLimits] = (SAMPLING, FOLDING)) -> Makers:
        (folder := tmp_path / f"makers-{len(opened)}").mkdir()
        opened.append(Makers(tmp_path, folder, limits))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def follow(makers: Makers, committer: Committer, tail: CommitTail, *, omits: bool) -> int:
    """Make all while commits come, of which the feed omits some and after some of which the makers
    are killed; returns the last event that the archive's secondary has seen before the last pass.
    """
    view = makers.view
    tail.apply(CommitFrame(committer.last_ns, [], None))
    view.tail = tail
    makers.make(committer.last_ns)
    for number in range(1, COMMITS):
        committer.add_batch("link", Batch(drawn(number)))
        frame = committer.close_commit()
        for series, names in frame.series:
            view.add_series(series, names)
        tail.apply(frame.without_events() if omits and number % 7 == 3 else frame)
        committer.archive.sync()
        if number % 3 == 0:
            makers.make(frame.watermark, steps=1 if omits else None)
            tail.release(min(makers.sampler.cursor_ns, makers.maker.cursor_ns))
        if omits and number % 11 == 5:
            makers.start()
    seen = view.archive.record.last_canonical_ns()
    makers.make(committer.last_ns)
    return seen


def test_what_is_made_from_a_tail_is_what_is_made_of_the_archive(
    making: Callable[..., Makers], committer: Committer
) -> None:
    """No maker reads the archive meanwhile; late updates are in memory."""
    makers, first_ns = making(), committer.last_ns
    assert follow(makers, committer, CommitTail(), omits=False) == first_ns
    whole = making()
    whole.make(committer.last_ns)
    assert makers.rows() == whole.rows() and len(whole.rows()) > COMMITS


@pytest.mark.parametrize("max_bytes", [1 << 20, 20_000, 0])
def test_a_tail_that_loses_events_changes_nothing(
    max_bytes: int, making: Callable[..., Makers], committer: Committer
) -> None:
    """Nor do kills, and limits so small that series are forgotten and read again."""
    makers = making(RARELY_CACHED)
    follow(makers, committer, CommitTail(max_bytes), omits=True)
    whole = making(RARELY_CACHED)
    whole.make(committer.last_ns)
    assert makers.rows() == whole.rows()


def test_the_archive_catches_up_rarely_all_the_same(
    making: Callable[..., Makers], committer: Committer
) -> None:
    """Else its secondary would keep files for ever that the writer has deleted."""
    makers, tail = making(), CommitTail()
    makers.view = view = ArchiveSnapshot(makers.view.archive, beside_tail_s=0)
    makers.start()
    tail.apply(CommitFrame(committer.last_ns, [], None))
    view.tail, before_ns = tail, committer.last_ns
    committer.add_batch("link", Batch(drawn(1)))
    tail.apply(committer.close_commit())
    committer.archive.sync()
    view.advance(committer.last_ns)
    assert view.held_in_memory(before_ns + 1, committer.last_ns) is tail
    assert view.archive.record.last_canonical_ns() == committer.last_ns


def test_deletions_that_the_feed_tells_are_seen(
    making: Callable[..., Makers], committer: Committer
) -> None:
    """The archive is read again before the next pass, though the tail has all of its events."""
    makers, tail = making(), CommitTail()
    tail.apply(CommitFrame(committer.last_ns, [], None))
    makers.view.tail = tail
    before_ns = makers.view.archive.record.last_canonical_ns()
    committer.add_batch("link", Batch(drawn(1)))
    committer.close_commit()
    committer.archive.sync()
    makers.view.note_deletions([(time_key(1) + bytes(4), b'"DayGivenBack"')])
    tail.apply(CommitFrame(committer.last_ns, [], []))
    makers.view.held_in_memory(before_ns + 1, committer.last_ns)
    assert makers.view.archive.record.last_canonical_ns() == before_ns
    makers.view.series.audit_suffixes.add(bytes(4))
    makers.view.note_deletions([(time_key(1) + bytes(4), b'"DayGivenBack"')])
    makers.view.held_in_memory(before_ns + 1, committer.last_ns)
    assert makers.view.archive.record.last_canonical_ns() == committer.last_ns
