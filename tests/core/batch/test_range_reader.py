"""A replay's pieces: nothing past the watermark, and resuming after any key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nova.core.batch.range_reader import RangeReader
from nova.core.ordering import TIMEBASES, Timebase
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk.batch.range_messages import RangeRequest, SplitRequest
from nova.sdk.events.event import check_stored
from nova.sdk.protocol.messages import Filters
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch, Record

Make = Callable[..., Record]
EVENTS = 12_000


@pytest.fixture
def shard(tmp_path: Path, committer: Committer, record: Make) -> Iterator[Archive]:
    """The view of a shard on an archive whose source times run against the order of arrival."""
    made = [record(EVENTS - number, unit=f"u{number % 3}") for number in range(EVENTS)]
    committer.add_batch("link", Batch(made))
    committer.close_commit()
    secondary = Archive.open_secondary(tmp_path, tmp_path / "scratch")
    yield secondary
    secondary.close()


def job(
    timebase: Timebase, mark: int, *, unit: str | None = None, after: str | None = None
) -> RangeRequest:
    """Everything that there is up to a mark."""
    filters = Filters(unique_id=unit)
    return RangeRequest(
        start_ns=NS_MIN,
        stop_ns=NS_MAX,
        timebase=timebase,
        filters=filters,
        watermark=mark,
        after=after,
    )


def lines_of(replay: RangeReader, pieces: int, after: str | None = None) -> list[bytes]:
    """All lines of a replay, cut into this many pieces."""
    return [
        line
        for piece in replay.split(SplitRequest(pieces=pieces))
        for block in replay.read(piece.start_ns, piece.stop_ns, after)
        for line in block.lines().splitlines()
    ]


@pytest.mark.parametrize("timebase", TIMEBASES)
def test_nothing_past_the_mark(
    tmp_path: Path, shard: Archive, committer: Committer, timebase: Timebase
) -> None:
    """nova.md §5: a secondary sees what is not durable yet; a replay does not show it."""
    whole = lines_of(RangeReader(tmp_path, shard, job(timebase, committer.last_ns)), 1)
    assert len(whole) == EVENTS
    stamps = {line: check_stored(line)[1] for line in whole}
    mark = sorted(stamps.values())[EVENTS // 3]
    found = lines_of(RangeReader(tmp_path, shard, job(timebase, mark)), 3)
    assert found == [line for line in whole if stamps[line] <= mark]
    assert len(found) == EVENTS // 3 + 1


@pytest.mark.parametrize("timebase", TIMEBASES)
@pytest.mark.parametrize("unit", [None, "u1"])
def test_it_goes_on_behind_any_block(
    tmp_path: Path, shard: Archive, committer: Committer, timebase: Timebase, unit: str | None
) -> None:
    """The key of a block is where a later run continues, however its rest is cut."""
    mark = committer.last_ns
    replay = RangeReader(tmp_path, shard, job(timebase, mark, unit=unit))
    (piece,) = replay.split(SplitRequest(pieces=1))
    blocks = list(replay.read(piece.start_ns, piece.stop_ns, None))
    assert [block.is_last for block in blocks] == [False] * (len(blocks) - 1) + [True]
    whole = b"".join(block.lines() for block in blocks).splitlines()
    assert len(whole) == sum(len(block.hits) for block in blocks) == EVENTS // (3 if unit else 1)
    behind = 0
    for block in blocks:
        behind += len(block.hits)
        rest = RangeReader(tmp_path, shard, job(timebase, mark, unit=unit, after=block.after))
        assert lines_of(rest, 2, block.after) == whole[behind:]
