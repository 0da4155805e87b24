"""Commits gone from the database are noticed and reported, and their commands not executed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.hardware.command_journal import CommandJournal
from nova.hardware.commit_mark import MarkedCommits, read_mark
from nova.hardware.database_check import COMMITS_LOST, MARK_LOST
from nova.hardware.database_file import FILE_NAME, SET_ASIDE
from nova.hardware.host_database import HostDatabase
from nova.hardware.lost_records import pending_losses
from nova.hardware.outbox_log import OutboxLog
from nova.sdk.transport.base import Record
from tests.hardware.test_command_journal import NOW

ROOT = Path(__file__).parents[2]
MAX_AGE_S = 30.0
LOG, MARK = f"{FILE_NAME}-wal", f"{FILE_NAME}-mark"
KILLED = """
    import asyncio, os, pathlib, signal, sys
    from nova.hardware.command_journal import CommandJournal
    from nova.hardware.host_database import HostDatabase
    from nova.hardware.outbox_log import OutboxLog
    from tests.hardware.test_command_journal import NOW, command
    from tests.hardware.test_outbox_log import records

    async def nothing(_):
        raise AssertionError

    async def write():
        database = HostDatabase(pathlib.Path(sys.argv[1]))
        journal = CommandJournal(database, 30.0, now_ns=lambda: NOW)
        for number in range(10):
            one = command(f"c{number}")
            await journal.record_arrival(one, f"r{number}", NOW)
            if sys.argv[2] == "synced":
                await journal.record_start(one)
        log = OutboxLog(database, "tape-1", "readings", 2**24, nothing)
        for number in range(20):
            await log.append(records(number, 1))
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(write())
"""


def flipped(data: bytes) -> bytes:
    at = len(data) // 4
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def headless(data: bytes) -> bytes:
    return b"rubbish" + data[7:]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 4]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a killed host left, nearly all of it in the write-ahead log."""
    return kill_in(tmp_path_factory.mktemp("killed"), "synced")


def kill_in(folder: Path, kind: str) -> Path:
    arguments = [sys.executable, "-c", textwrap.dedent(KILLED), str(folder), kind]
    assert subprocess.run(arguments, cwd=ROOT, check=False).returncode == -9
    return folder


def found(folder: Path) -> tuple[int, list[str], int, int]:
    """Batches, reasons of losses, known commands, and the time before which some are forgotten."""
    database = HostDatabase(folder)
    try:
        (batches,) = database.call(lambda db: db.execute("SELECT count(*) FROM batch").fetchone())
        losses = database.call(pending_losses)
        journal = CommandJournal(database, MAX_AGE_S, now_ns=lambda: NOW)
        known = sum(journal.has_seen(f"c{number}", "") for number in range(10))
        return batches, [one.lost.reason for one in losses], known, journal.forgotten_before_ns
    finally:
        database.close()


def test_a_kill_alone_loses_nothing(killed: Path, tmp_path: Path) -> None:
    """The mark is not ahead of what the database has."""
    shutil.copytree(killed, tmp_path / "data")
    assert found(tmp_path / "data") == (20, [], 10, -(2**63))
    assert found(tmp_path / "data") == (20, [], 10, -(2**63))


@pytest.mark.parametrize("damage", [flipped, headless, cut, None])
def test_a_log_that_lost_its_end_is_told(
    killed: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Once; what is before is kept, and no command that could have been started is executed."""
    folder = tmp_path / "data"
    shutil.copytree(killed, folder)
    if damage is None:
        (folder / LOG).unlink()
    else:
        damaged = damage((folder / LOG).read_bytes())
        (folder / LOG).write_bytes(damaged)
    batches, reasons, known, forgotten_ns = found(folder)
    assert (batches, reasons) == (0, [COMMITS_LOST])
    assert known < 10
    assert forgotten_ns > NOW + MAX_AGE_S * 10**9
    assert COMMITS_LOST in caplog.text
    if damage is not None:
        assert (folder / f"{LOG}.damaged-1").read_bytes() == damaged
    assert found(folder) == (0, [COMMITS_LOST], known, forgotten_ns)


def test_a_command_that_may_have_been_started_is_unknown(killed: Path, tmp_path: Path) -> None:
    """It is not answered as one that was never started."""
    folder = tmp_path / "data"
    shutil.copytree(killed, folder)
    log = (folder / LOG).read_bytes()
    (folder / LOG).write_bytes(log[: len(log) // 4])
    database = HostDatabase(folder)
    left = CommandJournal(database, MAX_AGE_S, now_ns=lambda: NOW).unfinished()
    database.close()
    assert {stage for _, stage, _ in left} <= {"begun"}


def test_commits_that_were_not_synced_are_told_without_forgetting(tmp_path: Path) -> None:
    """As after a power cut: no start of a command can be among them."""
    folder = kill_in(tmp_path, "not synced")
    (folder / LOG).unlink()
    assert found(folder) == (0, [COMMITS_LOST], 0, -(2**63))


def test_a_mark_without_a_database_is_told(killed: Path, tmp_path: Path) -> None:
    """The database was removed, and the files beside it were not."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(killed / MARK, folder)
    batches, reasons, known, forgotten_ns = found(folder)
    assert (batches, reasons, known) == (0, [SET_ASIDE], 0)
    assert forgotten_ns > NOW
    assert (folder / f"{FILE_NAME}.damaged-1-mark").exists()


@pytest.mark.parametrize("content", [None, b"", bytes(20)])
def test_a_mark_that_is_gone_is_told(killed: Path, tmp_path: Path, content: bytes | None) -> None:
    """Without it nobody knows whether commits are lost; all that is there is kept."""
    folder = tmp_path / "data"
    shutil.copytree(killed, folder)
    (folder / MARK).unlink()
    if content is not None:
        (folder / MARK).write_bytes(content)
    batches, reasons, known, forgotten_ns = found(folder)
    assert (batches, reasons, known) == (20, [MARK_LOST], 10)
    assert forgotten_ns > NOW
    assert found(folder) == (20, [MARK_LOST], 10, forgotten_ns)


async def test_the_mark_counts_what_is_committed_and_synced(tmp_path: Path) -> None:
    """What fails or only reads is not counted."""

    async def nothing(_: object) -> None:
        raise AssertionError

    database = HostDatabase(tmp_path)
    try:
        assert read_mark(tmp_path / MARK) == MarkedCommits(0, 0)
        readings = OutboxLog(database, "tape-1", "readings", 2**20, nothing)
        held = OutboxLog(database, "tape-1", "held", 2**20, nothing, drops=False)
        assert read_mark(tmp_path / MARK) == MarkedCommits(2, 0)
        await held.append([Record(None, b"{}")])
        assert read_mark(tmp_path / MARK) == MarkedCommits(3, 3)
        await readings.append([Record(None, b"{}")])
        await readings.read()
        assert read_mark(tmp_path / MARK) == MarkedCommits(4, 3)
    finally:
        database.close()
