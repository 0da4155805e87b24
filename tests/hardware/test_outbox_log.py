"""The spool: in order, bounded, and nothing gone without being told (invariant 7)."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nova.hardware.outbox_log import CURSOR_NAME, SUFFIX, LostRecords, OutboxLog
from nova.sdk import timestamps
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.transport.base import Record

ENTITY = Entity("sat", "obc", "counter")
NOON = timestamps.parse("2026-11-01T12:00:00Z")
MIB = 1024 * 1024


def records(first: int, count: int, size_bytes: int = 10) -> list[Record]:
    """Events that tell their number, a second apart."""
    observer = Observer("sat")
    return [
        record_of(
            observer.observe(ENTITY, NOON + number * 10**9).parsed(
                "Count", {"number": number, "filler": "x" * size_bytes}
            )
        )
        for number in range(first, first + count)
    ]


@contextmanager
def opened(
    folder: Path, max_bytes: int = MIB, segment_max_bytes: int = 4096
) -> Iterator[OutboxLog]:
    """A spool whose losses stand in `spool.lost`, closed at the end."""
    lost: list[LostRecords] = []
    spool = OutboxLog(folder, max_bytes, lost.append, segment_max_bytes=segment_max_bytes)
    losses[id(spool)] = lost
    try:
        yield spool
    finally:
        spool.close()


losses: dict[int, list[LostRecords]] = {}


def lost_of(spool: OutboxLog) -> list[LostRecords]:
    """What a spool has told as lost."""
    return losses[id(spool)]


def drain(spool: OutboxLog) -> list[Record]:
    """Read and commit until nothing is left."""
    found: list[Record] = []
    while True:
        some, place = spool.read()
        if not some:
            return found
        found += some
        spool.commit(place)


def test_gives_back_what_was_kept_in_order(tmp_path: Path) -> None:
    """Over many segments, which are gone from the disk afterwards."""
    kept = records(0, 500)
    with opened(tmp_path) as spool:
        for start in range(0, 500, 7):
            spool.append(kept[start : start + 7])
        assert drain(spool) == kept
        assert spool.is_empty
        assert len(list(tmp_path.glob(f"*{SUFFIX}"))) <= 1


def test_reading_again_gives_the_same_until_it_is_committed(tmp_path: Path) -> None:
    """An attempt that failed is repeated with the very same records."""
    with opened(tmp_path) as spool:
        spool.append(records(0, 10))
        first, place = spool.read()
        assert spool.read() == (first, place)
        spool.commit(place)
        assert spool.read()[0] == []


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_kill_at_any_time_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever was appended is there for the next process; only what was not committed, again."""
    folder = tmp_path_factory.mktemp("spool")
    sent = published = 0
    for _ in range(data.draw(st.integers(1, 4))):
        with opened(folder, segment_max_bytes=data.draw(st.sampled_from([1024, 8192]))) as spool:
            for action in data.draw(st.lists(st.sampled_from("aarc"), max_size=12)):
                if action == "a":
                    spool.append(records(sent, 3))
                    sent += 3
                    continue
                some, place = spool.read()
                numbers = [_number(record) for record in some]
                assert numbers == list(range(published, published + len(some)))
                if action == "c":
                    spool.commit(place)
                    published += len(some)
    with opened(folder) as spool:
        rest = [_number(record) for record in drain(spool)]
        assert rest == list(range(published, sent))
        assert lost_of(spool) == []


def _number(record: Record) -> int:
    return int(record.value.split(b'"number":')[1].split(b",")[0].split(b"}")[0])


def test_a_cursor_that_is_torn_begins_at_the_first_record(tmp_path: Path) -> None:
    """Rather twice, which the Core knows, than not at all."""
    with opened(tmp_path) as spool:
        spool.append(records(0, 5))
        spool.commit(spool.read()[1])
        spool.append(records(5, 5))
    (tmp_path / CURSOR_NAME).write_bytes(b"\0" * 20)
    with opened(tmp_path) as spool:
        assert [_number(record) for record in drain(spool)] == list(range(10))


def test_a_torn_tail_is_told_and_hides_nothing_behind_it(tmp_path: Path) -> None:
    """A power cut in the middle of a frame: what the next process appends is found."""
    with opened(tmp_path) as spool:
        spool.append(records(0, 5))
    (segment,) = tmp_path.glob(f"*{SUFFIX}")
    with segment.open("r+b") as file:
        file.truncate(segment.stat().st_size - 10)
    with opened(tmp_path) as spool:
        spool.append(records(5, 5))
        assert [_number(record) for record in drain(spool)] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
        (lost,) = lost_of(spool)
        assert lost.records is None
        assert lost.size_bytes > 0


def test_a_flipped_byte_costs_its_segment_and_is_told(tmp_path: Path) -> None:
    """What a damaged disk hides is a gap, and the segments behind it are published."""
    with opened(tmp_path, segment_max_bytes=1024) as spool:
        for number in range(30):
            spool.append(records(number, 1))
    first, *_ = sorted(tmp_path.glob(f"*{SUFFIX}"))
    damaged = bytearray(first.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    first.write_bytes(damaged)
    with opened(tmp_path) as spool:
        found = [_number(record) for record in drain(spool)]
        assert found[-1] == 29
        assert sorted(set(found)) == found
        assert len(found) < 30
        assert len(lost_of(spool)) == 1


def test_when_full_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    """Everything is either given back or told: how many, and from when to when."""
    with opened(tmp_path, max_bytes=32 * 1024, segment_max_bytes=4096) as spool:
        for number in range(500):
            spool.append(records(number, 1, 100))
            assert spool.size_bytes <= 32 * 1024
        found = [_number(record) for record in drain(spool)]
        lost = lost_of(spool)
        gone = sorted(set(range(500)) - set(found))
        assert gone and sum(one.records or 0 for one in lost) == len(gone)
        assert found[-1] == 499
        assert lost[0].from_time == timestamps.text(NOON + gone[0] * 10**9)
        assert lost[-1].to_time == timestamps.text(NOON + gone[-1] * 10**9)


def test_what_is_being_published_is_never_dropped(tmp_path: Path) -> None:
    """Records on their way stay until they are committed: a retry must find the very same."""
    with opened(tmp_path, max_bytes=16 * 1024, segment_max_bytes=1024) as spool:
        spool.append(records(0, 2, 100))
        on_the_way, place = spool.read()
        for number in range(2, 300):
            spool.append(records(number, 1, 100))
        assert lost_of(spool)
        assert spool.read()[0][:2] == on_the_way
        spool.commit(place)


def test_a_disk_that_is_full_takes_nothing_half(tmp_path: Path) -> None:
    """The error is the caller's; what was kept before and what comes after it is whole."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(tmp_path, segment_max_bytes=64 * 1024) as spool:
        spool.append(records(0, 5))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (spool.size_bytes + 100, hard))
            with pytest.raises(OSError):
                for number in range(5, 50):
                    spool.append(records(number, 1, 300))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        kept = spool.size_bytes
        spool.append(records(100, 1))
        assert spool.size_bytes > kept
        found = [_number(record) for record in drain(spool)]
        assert found[:5] == list(range(5))
        assert found[-1] == 100
        assert lost_of(spool) == []


def test_records_of_every_size_come_back(tmp_path: Path) -> None:
    """Also one larger than a read, and one without an address."""
    sizes = [0, 1, 1000, 1024 * 1024 - 500, 1024 * 1024 + 1, 3 * 1024 * 1024]
    kept = [Record("a" if size % 2 else None, bytes(size)) for size in sizes]
    with opened(tmp_path, max_bytes=64 * MIB, segment_max_bytes=4 * MIB) as spool:
        for record in kept:
            spool.append([record])
        assert drain(spool) == kept
