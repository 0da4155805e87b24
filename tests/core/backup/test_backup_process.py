"""The scheduled backups: made when due, failures recorded and tried again, ended by a stop."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nova.core.backup.backup_process import ScheduledBackups
from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import generation_names
from nova.core.store.backup_record import read_record
from nova.sdk.archive_id import ANY_ARCHIVE
from nova.sdk.settings import Settings
from tests.core.backup.backing_up import LivingArchive, backed_up
from tests.core.running import WAIT_S

ALWAYS_H = 1e-9
STOPPED_S = 0.1


@asynccontextmanager
async def scheduled(data: Path, target: FolderTarget, interval_h: float) -> AsyncIterator[None]:
    """Backups that are made while the block runs."""
    settings = Settings(
        data=str(data), mode="ground", backup_to=str(target), backup_interval_h=interval_h,
        backup_keep=2,
    )  # fmt: skip
    backups = ScheduledBackups(settings, ANY_ARCHIVE, poll_interval_s=0.01, retry_first_s=0.01)
    work = asyncio.create_task(backups.run())
    yield
    assert not work.done(), work
    work.cancel()
    await asyncio.wait((work,))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.01)


async def test_backups_are_made_when_due_and_kept(
    living: LivingArchive, target: FolderTarget
) -> None:
    """A-299: as often as set, and only the newest are kept."""
    async with scheduled(living.data, target, interval_h=24):
        await until(lambda: read_record(living.data).generation != "")
        await asyncio.sleep(0.1)
    (first,) = generation_names(target)
    async with scheduled(living.data, target, interval_h=ALWAYS_H):
        await until(lambda: first not in generation_names(target))
    assert 1 <= len(generation_names(target)) <= 3


async def test_a_failure_is_recorded_until_a_backup_succeeds(
    living: LivingArchive, target: FolderTarget, caplog: pytest.LogCaptureFixture
) -> None:
    """Here the disk of the target is not mounted, and nothing is written below it."""
    name = backed_up(living.data, target).generation
    away = Path(str(target)).rename(living.data.parent / "away")
    async with scheduled(living.data, target, interval_h=ALWAYS_H):
        await until(lambda: "is its disk mounted" in read_record(living.data).failure)
        assert read_record(living.data).generation == name
        assert not list(Path(str(target)).glob("pieces*"))
        shutil.rmtree(str(target), ignore_errors=True)
        away.rename(str(target))
        await until(lambda: read_record(living.data).failure == "")
    assert "no backup could be made" in caplog.text
    assert name in generation_names(target) or len(generation_names(target)) >= 2


async def test_a_stop_ends_a_backup_at_its_next_step(
    living: LivingArchive, target: FolderTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is recorded as a failure, and nothing is left in the data folder."""
    begun, stopped = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    write = FolderTarget.write

    def announce(self: FolderTarget, name: str, content: bytes) -> None:
        write(self, name, content)
        loop.call_soon_threadsafe(begun.set)
        assert stopped.wait(WAIT_S)

    monkeypatch.setattr(FolderTarget, "write", announce)
    async with scheduled(living.data, target, interval_h=24):
        await begun.wait()
        loop.call_later(STOPPED_S, stopped.set)  # The block ends before.
    await until(lambda: not list(living.data.glob("nova-backup-*")))
    with target.lock():
        assert generation_names(target) == []
    assert read_record(living.data).failure == ""
