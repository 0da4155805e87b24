"""Beside a writer a backup rests as long as it has worked; alone it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.core.backup.pace import BackupPace
from nova.core.backup.writer_flush import flush_writer
from nova.sdk.settings import Settings
from tests.core.running import running_core


def test_it_rests_as_long_as_it_has_worked() -> None:
    now_s = 0.0
    rests: list[float] = []

    def rest(seconds: float) -> None:
        nonlocal now_s
        now_s += seconds
        rests.append(seconds)

    pace = BackupPace(rest, lambda: now_s, rest_max_s=1.0)
    now_s += 5
    pace.step()
    assert rests == [], "no writer"
    pace.slow_down()
    for worked_s in (0.25, 0.5, 5.0):
        now_s += worked_s
        pace.step()
    assert rests == [0.25, 0.5, 1.0], "and no longer than the longest rest"


async def test_a_running_writer_is_noticed(data: Path) -> None:
    assert not await asyncio.to_thread(flush_writer, data)
    async with running_core(Settings(data=str(data), mode="ground", drivers=("none",))):
        assert await asyncio.to_thread(flush_writer, data)
