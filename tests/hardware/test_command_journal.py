"""The command journal: at most once, whichever process dies in between."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nova.hardware.command_journal import CommandJournal
from nova.hardware.database_file import FILE_NAME
from nova.hardware.device import Command
from nova.hardware.host_database import HostDatabase
from nova.sdk.errors import NovaError
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record
from tests.hardware.bench_device import PUMP
from tests.hardware.stored import rows
from tests.hardware.test_outbox import full_disk

NOW = 1_800_000_000 * NS_PER_SECOND
RESULT = Record("nova.lab.command.c1:CommandResult.v1", b'{"status":"success"}')


def command(command_id: str = "c1", at_ns: int = NOW, size_bytes: int = 0) -> Command:
    """A command of some time."""
    return Command(command_id, PUMP, "pump.set", {"rate": 2, "filler": "x" * size_bytes}, at_ns)


@contextmanager
def journal(folder: Path, **limits: int) -> Iterator[CommandJournal]:
    """A journal with a maximum age of 30 s, closed at the end."""
    database = HostDatabase(folder)
    try:
        yield CommandJournal(database, 30, now_ns=lambda: NOW, **limits)
    finally:
        database.close()


async def test_knows_a_command_by_either_id(tmp_path: Path) -> None:
    """A repeat has the same requestId, or comes with the same commandId; also after a restart."""
    with journal(tmp_path) as memory:
        assert not memory.has_seen("c1", "r1")
        await memory.record_arrival(command(), "r1", NOW)
    with journal(tmp_path) as again:
        for one in (memory, again):
            assert one.has_seen("c1", "r1")
            assert one.has_seen("c2", "r1")
            assert one.has_seen("c1", "r2")
            assert not one.has_seen("c2", "r2")


async def test_a_command_is_known_before_it_is_stored(tmp_path: Path) -> None:
    """Another link may bring it in that moment."""
    with journal(tmp_path) as memory:
        arriving = asyncio.create_task(memory.record_arrival(command(), "r1", NOW))
        await asyncio.sleep(0)
        assert memory.has_seen("c1", "r1")
        await arriving


@pytest.mark.parametrize("stage", ["came", "begun", "ended", "told"])
async def test_a_kill_leaves_the_stage_that_was_reached(tmp_path: Path, stage: str) -> None:
    """The next process knows what is still to be answered, and with what."""
    with journal(tmp_path) as memory:
        await memory.record_arrival(command(), "r1", NOW)
        if stage != "came":
            await memory.record_start(command())
        if stage in ("ended", "told"):
            await memory.record_result(command(), RESULT)
        if stage == "told":
            await memory.record_published(command())
    expected = {
        "came": [(command(), "came", None)],
        "begun": [(command(), "begun", None)],
        "ended": [(command(), "ended", RESULT)],
        "told": [],
    }
    for _ in range(2):
        with journal(tmp_path) as again:
            assert again.unfinished() == expected[stage]
            assert again.has_seen("c1", "r1")


async def test_a_full_disk_refuses_the_command_and_forgets_it(tmp_path: Path) -> None:
    """Nothing was started, so a repeat is new; what was known before stays so."""
    with journal(tmp_path) as memory:
        await memory.record_arrival(command(), "r1", NOW)
        with full_disk(tmp_path), pytest.raises(OSError):
            await memory.record_arrival(command("c2", size_bytes=100_000), "r2", NOW)
        assert not memory.has_seen("c2", "r2")
        await memory.record_arrival(command("c2"), "r2", NOW)
    with journal(tmp_path) as again:
        assert [one.command_id for one, _, _ in again.unfinished()] == ["c1", "c2"]


async def test_is_bounded_and_remembers_how_far_it_forgot(tmp_path: Path) -> None:
    """Only what is older than the greatest age is forgotten, and never becomes new again."""
    with journal(tmp_path, kept_min=10) as memory:
        for number in range(200):
            at_ns = NOW + number * NS_PER_SECOND
            one = command(f"c{number}", at_ns)
            await memory.record_arrival(one, f"r{number}", at_ns)
            await memory.record_result(one, RESULT)
            await memory.record_published(one)
        ((stored,),) = rows(tmp_path, "SELECT count(*) FROM command")
        assert 10 <= int(str(stored)) <= 40
        assert memory.has_seen("c199", "r199")
        assert memory.has_seen("c170", "r170")
        assert not memory.has_seen("c100", "r100")
        assert NOW + 100 * NS_PER_SECOND < memory.forgotten_before_ns < NOW + 170 * NS_PER_SECOND
    with journal(tmp_path) as again:
        assert again.has_seen("c170", "r170")
        assert again.forgotten_before_ns == memory.forgotten_before_ns


async def test_too_many_young_commands_are_refused(tmp_path: Path) -> None:
    """None is forgotten while it could be done again."""
    with journal(tmp_path, kept_min=5, entries_max=5) as memory:
        for number in range(5):
            await memory.record_arrival(command(f"c{number}"), f"r{number}", NOW)
        with pytest.raises(NovaError, match="5 commands"):
            await memory.record_arrival(command("c5"), "r5", NOW)
        assert not memory.has_seen("c5", "r5")


async def test_what_is_not_answered_is_not_forgotten(tmp_path: Path) -> None:
    """A command that takes longer than its age still gets its one result after a kill."""
    with journal(tmp_path, kept_min=1) as memory:
        await memory.record_arrival(command("long"), "r-long", NOW)
        for number in range(5):
            at_ns = NOW + (100 + number) * NS_PER_SECOND
            one = command(f"c{number}", at_ns)
            await memory.record_arrival(one, f"r{number}", at_ns)
            await memory.record_published(one)
        assert memory.has_seen("long", "r-long")
    with journal(tmp_path) as again:
        assert [one.command_id for one, _, _ in again.unfinished()] == ["long"]


async def test_a_damaged_journal_makes_no_old_command_new(tmp_path: Path) -> None:
    """What could stand in the one that was set aside is not executed, also after more restarts."""
    with journal(tmp_path) as memory:
        await memory.record_arrival(command(), "r1", NOW)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as db:
        db.execute("UPDATE command SET arrival = CAST(replace(arrival, 'pump', 'lamp') AS BLOB)")
        db.commit()
    for _ in range(2):
        with journal(tmp_path) as again:
            assert again.unfinished() == []
            # A command is at most as old as the limit, or as far ahead of the host's clock.
            assert again.forgotten_before_ns > NOW + 30 * NS_PER_SECOND
    assert (tmp_path / f"{FILE_NAME}.damaged-1").exists()
