"""The host's database file: whole, private, set aside when damaged, and never begun anew unsaid."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from nova.hardware import outbox_rows
from nova.hardware.database_file import FILE_NAME
from nova.hardware.database_schema import SCHEMA_VERSION
from nova.hardware.host_database import HostDatabase
from nova.hardware.host_outboxes import GAP
from nova.hardware.lost_records import pending_losses
from nova.sdk.errors import NovaError
from nova.sdk.events.envelope import MetadataEvent
from tests.hardware.bench_device import BenchDevice, Line, command_record, flow
from tests.hardware.running_host import running
from tests.hardware.test_outbox_log import drain, opened, records


def cut(data: bytes) -> bytes:
    """The file without its second half."""
    return data[: len(data) // 2]


def zeroed(data: bytes) -> bytes:
    """All pages but the first are zeros."""
    return data[:4096] + bytes(len(data) - 4096)


def headless(data: bytes) -> bytes:
    """The first bytes are others."""
    return b"rubbish, and not a database" + data[27:]


def without_schema(data: bytes) -> bytes:
    """The schema version is 0, as in a file that SQLite has just made."""
    return data[:60] + bytes(4) + data[64:]


@pytest.mark.parametrize(
    "damage",
    [cut, zeroed, headless, without_schema, lambda data: b""],
    ids=lambda one: one.__name__,
)
async def test_a_damaged_file_is_set_aside_and_that_is_said(
    tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """The host begins a new one; a gap event and the log name it, and the old bytes are kept."""
    line, device = Line(), BenchDevice()
    async with running(tmp_path, {"pump": device}, line):
        line.dispatch(command_record("c1"))
        await line.results()
    path = tmp_path / FILE_NAME
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    async with running(tmp_path, {"pump": device}, line):
        (gap,) = await line.until(GAP)
        line.dispatch(command_record("c1"))
        line.dispatch(command_record("c1"))
    assert isinstance(gap.envelope, MetadataEvent)
    assert gap.envelope.payload == {
        "link": "tape:",
        "kind": "all",
        "reason": "the database was damaged and set aside",
        "bytes": len(damaged),
    }
    assert (tmp_path / f"{FILE_NAME}.damaged-1").read_bytes() == damaged
    assert "the host's database is damaged and was set aside" in caplog.text
    assert [command.command_id for command in device.done] == ["c1"]
    async with running(tmp_path, {"pump": device}, line):
        pass
    assert len(line.of_type(GAP)) == 1


async def test_a_host_that_was_killed_while_it_set_a_file_aside_says_it_too(tmp_path: Path) -> None:
    """Between the two renames, or before the new file: the files beside it belong to the old."""
    async with opened(tmp_path) as log:
        await log.append(records(0, 3))
    path = tmp_path / FILE_NAME
    path.rename(tmp_path / f"{FILE_NAME}.damaged-1")
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"of the old file")
    async with opened(tmp_path) as log:
        assert await drain(log) == []
        (pending,) = log.database.call(pending_losses)
        assert (pending.link, pending.kind) == (None, "all")
    assert (tmp_path / f"{FILE_NAME}.damaged-2-wal").read_bytes() == b"of the old file"


async def test_damage_that_is_met_later_ends_the_host(tmp_path: Path) -> None:
    """The error says what was done; the next host begins anew and reports the loss."""
    async with opened(tmp_path, max_bytes=8 * 1024 * 1024) as log:
        for number in range(300):
            await log.append(records(number, 1, 3000))
    path = tmp_path / FILE_NAME
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'batch'").fetchone()
    database = HostDatabase(tmp_path)
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(b"\xff" * 4096)
    database.call(lambda db: db.execute("PRAGMA shrink_memory").fetchall())
    with pytest.raises(NovaError, match=r"set aside as host\.db\.damaged-1"):
        database.call(lambda db: db.execute("SELECT sum(records) FROM batch").fetchall())
    with pytest.raises(NovaError, match=r"set aside as host\.db\.damaged-1"):
        await database.watch()
    database.close()
    line = Line()
    async with running(tmp_path, {"pump": BenchDevice([flow(1)])}, line):
        await line.until(GAP)
        await line.until("Flow")


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Also those that SQLite makes beside it."""
    before = os.umask(0)
    try:
        database = HostDatabase(tmp_path)
        database.call(lambda db: outbox_rows.numbers_of(db, "a", "b"))
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    database.close()
    assert modes == dict.fromkeys(
        [FILE_NAME, *(FILE_NAME + end for end in ("-wal", "-shm", "-mark"))], 0o600
    )


def test_a_file_of_a_later_version_is_refused_and_left(tmp_path: Path) -> None:
    """It is not damaged."""
    HostDatabase(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(NovaError, match="upgrade"):
        HostDatabase(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [FILE_NAME, f"{FILE_NAME}-mark"]


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    """With the path, and without touching it."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(NovaError, match=r"cannot open .*host\.db"):
        HostDatabase(tmp_path)
    assert os.listdir(tmp_path) == [FILE_NAME]
