"""The outbox log: in order, bounded, and no loss unreported (invariant 7)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nova.hardware.database_file import FILE_NAME
from nova.hardware.host_database import HostDatabase
from nova.hardware.lost_records import LostRecords
from nova.hardware.outbox_log import OutboxLog
from nova.sdk import timestamps
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.transport.base import Record
from tests.hardware.stored import rows
from tests.laws import law

ENTITY = Entity("sat", "obc", "counter")
NOON = timestamps.parse("2026-11-01T12:00:00Z")
MIB = 1024 * 1024


def records(first: int, count: int, size_bytes: int = 10) -> list[Record]:
    """Numbered events, a second apart."""
    observer = Observer("sat")
    return [
        record_of(
            observer.observe(ENTITY, NOON + number * 10**9).parsed(
                "Count", {"number": number, "filler": "x" * size_bytes}
            )
        )
        for number in range(first, first + count)
    ]


class OpenedLog(OutboxLog):
    """A log with its database, and what it has reported as lost."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int = MIB,
        kind: str = "readings",
        dropped_bytes: int = 4096,
        drops: bool = True,
    ) -> None:
        self.lost: list[LostRecords] = []
        self.database = HostDatabase(folder)
        super().__init__(
            self.database,
            "tape-1",
            kind,
            max_bytes,
            self.tell,
            drops=drops,
            dropped_bytes=dropped_bytes,
        )

    async def tell(self, lost: LostRecords) -> None:
        self.lost.append(lost)


@asynccontextmanager
async def opened(folder: Path, max_bytes: int = MIB, **options: object) -> AsyncIterator[OpenedLog]:
    """A log that is closed at the end."""
    log = OpenedLog(folder, max_bytes, **options)  # type: ignore[arg-type]
    try:
        yield log
    finally:
        log.database.close()


async def drain(log: OutboxLog) -> list[Record]:
    """Read and commit until nothing is left."""
    found: list[Record] = []
    while True:
        some, position = await log.read()
        if not some:
            return found
        found += some
        await log.commit(position)


def _number(record: Record) -> int:
    return int(record.value.split(b'"number":')[1].split(b",")[0].split(b"}")[0])


async def test_gives_back_what_was_kept_in_order(tmp_path: Path) -> None:
    """And nothing of it is left in the database."""
    kept = records(0, 500)
    async with opened(tmp_path) as log:
        for start in range(0, 500, 7):
            await log.append(kept[start : start + 7])
        assert await drain(log) == kept
        assert log.is_empty
        assert rows(tmp_path, "SELECT count(*) FROM batch") == [(0,)]


async def test_outboxes_do_not_mix(tmp_path: Path) -> None:
    """Each has its own numbers in the one file."""
    async with opened(tmp_path) as log:
        other = OutboxLog(log.database, "tape-2", "readings", MIB, log.tell)
        third = OutboxLog(log.database, "tape-1", "held", MIB, log.tell, drops=False)
        for number in range(30):
            await (log, other, third)[number % 3].append(records(number, 1))
        for place, one in enumerate((log, other, third)):
            assert [_number(record) for record in await drain(one)] == list(range(place, 30, 3))


async def test_reading_again_gives_the_same_until_it_is_committed(tmp_path: Path) -> None:
    """An attempt that failed is repeated with the very same records."""
    async with opened(tmp_path) as log:
        await log.append(records(0, 10))
        first, position = await log.read()
        assert await log.read() == (first, position)
        await log.commit(position)
        assert (await log.read())[0] == []


@law(25)
@given(data=st.data())
async def test_a_restart_at_any_time_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever was appended is there for the next process; only what was not committed, again."""
    folder = tmp_path_factory.mktemp("host")
    sent = published = 0
    for _ in range(data.draw(st.integers(1, 4))):
        async with opened(folder) as log:
            for action in data.draw(st.lists(st.sampled_from("aarc"), max_size=12)):
                if action == "a":
                    await log.append(records(sent, 3))
                    sent += 3
                    continue
                some, position = await log.read()
                numbers = [_number(record) for record in some]
                assert numbers == list(range(published, published + len(some)))
                if action == "c":
                    await log.commit(position)
                    published += len(some)
    async with opened(folder) as log:
        rest = [_number(record) for record in await drain(log)]
        assert rest == list(range(published, sent))
        assert log.lost == []


async def test_a_flipped_byte_costs_its_batch_and_is_told(tmp_path: Path) -> None:
    """What a damaged disk hides is a gap, and what is behind it is published."""
    async with opened(tmp_path) as log:
        for number in range(0, 30, 3):
            await log.append(records(number, 3))
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        (number, content) = db.execute(
            "SELECT number, content FROM batch ORDER BY number LIMIT 1 OFFSET 4"
        ).fetchone()
        flipped = bytes([*content[:50], content[50] ^ 0xFF, *content[51:]])
        db.execute("UPDATE batch SET content = ? WHERE number = ?", (flipped, number))
        db.commit()
    async with opened(tmp_path) as log:
        found = [_number(record) for record in await drain(log)]
        assert found == [number for number in range(30) if number not in (12, 13, 14)]
        assert log.lost == [LostRecords("a damaged place in the buffer", 3, len(content))]
        assert log.is_empty


async def test_when_full_the_oldest_go_and_are_counted(tmp_path: Path) -> None:
    """Everything is either given back or reported: how many, and from when to when."""
    async with opened(tmp_path, max_bytes=32 * 1024) as log:
        for number in range(300):
            await log.append(records(number, 1, 100))
            assert log.size_bytes <= 32 * 1024
        found = [_number(record) for record in await drain(log)]
        gone = sorted(set(range(300)) - set(found))
        assert gone and sum(one.records or 0 for one in log.lost) == len(gone)
        assert found[-1] == 299
        assert log.lost[0].from_time == timestamps.text(NOON + gone[0] * 10**9)
        assert log.lost[-1].to_time == timestamps.text(NOON + gone[-1] * 10**9)
        assert log.size_bytes == 0


async def test_what_is_being_published_is_never_dropped(tmp_path: Path) -> None:
    """Records on their way stay until they are committed: a retry must find the very same."""
    async with opened(tmp_path, max_bytes=16 * 1024, dropped_bytes=1024) as log:
        await log.append(records(0, 2, 100))
        on_the_way, position = await log.read()
        for number in range(2, 200):
            await log.append(records(number, 1, 100))
        assert log.lost
        assert (await log.read())[0][:2] == on_the_way
        await log.commit(position)


async def test_a_log_that_does_not_drop_says_when_it_is_full(tmp_path: Path) -> None:
    """An empty one takes everything, and a reserve is for what is urgent."""
    async with opened(tmp_path, max_bytes=4096, drops=False) as log:
        assert log.has_room(records(0, 1, 10_000))
        await log.append(records(0, 1, 2000))
        assert not log.has_room(records(1, 1, 2000))
        assert log.has_room(records(1, 1, 2000), reserve=0.25)
        await drain(log)
        assert log.has_room(records(1, 1, 10_000))
        assert log.lost == []


async def test_records_of_every_size_come_back(tmp_path: Path) -> None:
    """Also one larger than a read, and one without an address."""
    sizes = [0, 1, 1000, 1024 * 1024 - 500, 1024 * 1024 + 1, 3 * 1024 * 1024]
    kept = [Record("a" if size % 2 else None, bytes(size)) for size in sizes]
    async with opened(tmp_path, max_bytes=64 * MIB) as log:
        for record in kept:
            await log.append([record])
        await log.append(kept)
        assert await drain(log) == kept + kept


async def test_the_disk_gets_back_what_an_outage_took(tmp_path: Path) -> None:
    """The file shrinks again while the records are published."""
    async with opened(tmp_path, max_bytes=64 * MIB) as log:
        for _ in range(40):
            await log.append([Record("a", bytes(MIB))])
        await drain(log)
    assert (tmp_path / FILE_NAME).stat().st_size < 20 * MIB
