"""Damage that is not one of SQLite's pages: in the schema, in values, in what is missing."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest

from nova.hardware import command_rows, outbox_rows
from nova.hardware.command_rows import CommandArrival
from nova.hardware.database_check import BATCHES_MISSING, CHECKED_WHOLE_MAX_BYTES, check
from nova.hardware.database_file import FILE_NAME, SET_ASIDE
from nova.hardware.host_database import HostDatabase
from nova.hardware.host_outboxes import GAP
from nova.hardware.lost_records import LostRecords, PendingLoss, pending_losses, record_loss
from nova.sdk.errors import NovaError
from nova.sdk.events.envelope import MetadataEvent
from nova.sdk.transport.base import Record
from tests.hardware.bench_device import PUMP, BenchDevice, Line
from tests.hardware.former_schema import write_version_1
from tests.hardware.running_host import running
from tests.hardware.test_outbox_log import drain, opened, records

ARRIVAL = CommandArrival("c1", "r1", PUMP, "pump.set", {}, 5)
LINK = "tape-1"


def filled(folder: Path) -> Path:
    """A database with something in each table."""
    database = HostDatabase(folder)

    def fill(db: sqlite3.Connection) -> None:
        first = outbox_rows.numbers_of(db, LINK, "readings").start
        for number in range(5):
            outbox_rows.insert(db, first + number, list(outbox_rows.rows_of(records(number, 1))))
        command_rows.insert(db, None, ARRIVAL)
        result = Record("nova.sat.command", b'{"result":1}')
        command_rows.set_stage(db, "c1", "ended", result)
        command_rows.raise_forgotten(db, 7)
        lost = LostRecords("the buffer was full", 1, 2)
        record_loss(db, PendingLoss(LINK, "readings", lost))

    database.call(fill)
    database.close()
    return folder / FILE_NAME


def replaced(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"KEY, value INTEGER", b"KE\xff, value INTEGER"),
        (b"name TEXT PRIMARY", b"nome TEXT PRIMARY"),
        (b"nova.sat.command", b"nova\xffsat.command"),
        (b"nova.sat.command", b"nova.sut.command"),
        (b'{"result":1}', b'{"result":2}'),
        (b"buffer was full", b"buffer\xffwas full"),
        (b"buffer was full", b"buffer has full"),
        (b"tape-1", b"tape-2"),
        (b"forgotten before", b"forgotten_before"),
    ],
)
def test_a_changed_value_is_damage(tmp_path: Path, old: bytes, new: bytes) -> None:
    """The file is set aside as it is, and the new one records it; no second start is needed."""
    path = filled(tmp_path)
    replaced(path, old, new)
    damaged = path.read_bytes()
    database = HostDatabase(tmp_path)
    (pending,) = database.call(pending_losses)
    database.close()
    assert pending.lost.reason == SET_ASIDE
    assert (tmp_path / f"{FILE_NAME}.damaged-1").read_bytes() == damaged
    assert (tmp_path / f"{FILE_NAME}.damaged-1-mark").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE command SET stage = 'came'",
        "UPDATE state SET value = value + 1 WHERE name LIKE 'forgotten%'",
        "DELETE FROM outbox",
        "UPDATE batch SET number = number - 1 WHERE number = (SELECT min(number) FROM batch)",
        "DELETE FROM state WHERE name LIKE 'batches%'",
        "CREATE TABLE other (x)",
    ],
)
def test_a_row_that_does_not_match_is_damage(tmp_path: Path, statement: str) -> None:
    """Where SQLite itself sees nothing."""
    with closing(sqlite3.connect(filled(tmp_path), isolation_level=None)) as db:
        db.execute(statement)
    database = HostDatabase(tmp_path)
    (pending,) = database.call(pending_losses)
    database.close()
    assert pending.lost.reason == SET_ASIDE


@pytest.mark.parametrize("number", ["min(number)", "max(number)", "min(number) + 1"])
async def test_a_missing_batch_is_told(tmp_path: Path, number: str) -> None:
    """Also the first or the last; the others are published."""
    async with opened(tmp_path) as log:
        for one in range(4):
            await log.append(records(one, 1))
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as db:
        db.execute(f"DELETE FROM batch WHERE number = (SELECT {number} FROM batch)")
    for _ in range(2):
        database = HostDatabase(tmp_path)
        (pending,) = database.call(pending_losses)
        database.close()
        assert pending == PendingLoss(LINK, "readings", LostRecords(BATCHES_MISSING, None, None))
    async with opened(tmp_path) as log:
        assert len(await drain(log)) == 3


async def test_a_missing_batch_becomes_a_gap_event(tmp_path: Path) -> None:
    """It names link, kind and reason, and no size that nobody knows."""
    line = Line()
    async with running(tmp_path, {"pump": BenchDevice()}, line):
        pass
    database = HostDatabase(tmp_path)
    (link,) = database.call(
        lambda db: db.execute("SELECT link FROM outbox WHERE kind = 'readings'").fetchone()
    )
    numbers = database.call(partial(outbox_rows.numbers_of, link=link, kind="readings"))
    rows = list(outbox_rows.rows_of(records(0, 1)))
    database.call(partial(outbox_rows.insert, first=numbers.start, rows=rows))
    database.close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as db:
        db.execute("DELETE FROM batch")
    async with running(tmp_path, {"pump": BenchDevice()}, line):
        (gap,) = await line.until(GAP)
    assert isinstance(gap.envelope, MetadataEvent)
    assert gap.envelope.payload == {"link": "tape:", "kind": "readings", "reason": BATCHES_MISSING}


def test_a_large_file_is_checked_without_its_batches(tmp_path: Path) -> None:
    """Its small tables are, whatever its size."""
    path = filled(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        statements: list[str] = []
        db.set_trace_callback(statements.append)
        check(db, path, whole_max_bytes=1)
        assert "PRAGMA integrity_check(command)" in statements
        assert "PRAGMA integrity_check" not in statements
        check(db, path, whole_max_bytes=CHECKED_WHOLE_MAX_BYTES)
        assert "PRAGMA integrity_check" in statements


async def test_a_value_of_another_kind_that_is_met_later_is_damage(tmp_path: Path) -> None:
    """It ends as damage that is said, and not as an error of the program."""
    database = HostDatabase(tmp_path)
    wrong = msgspec.msgpack.encode("no loss")
    database.call(
        lambda db: db.execute(
            "INSERT INTO loss (crc32, content) VALUES (?, ?)", (zlib.crc32(wrong), wrong)
        )
    )
    with pytest.raises(NovaError, match=r"set aside as host\.db\.damaged-1"):
        database.call(pending_losses)
    database.close()


async def test_a_database_of_the_former_version_is_upgraded(tmp_path: Path) -> None:
    """With all that is in it, and without a loss, though it has no mark."""
    write_version_1(tmp_path / FILE_NAME, LINK, records(0, 3), ARRIVAL)
    for _ in range(2):
        database = HostDatabase(tmp_path)
        assert database.call(pending_losses) == []
        (row,) = database.call(command_rows.load)
        assert (row.arrival, row.stage) == (ARRIVAL, "begun")
        assert database.call(command_rows.forgotten_before_ns) == 99
        database.close()
    async with opened(tmp_path) as log:
        assert await drain(log) == records(0, 3)
