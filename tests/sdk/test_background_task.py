"""Work beside other work."""

from __future__ import annotations

import asyncio

import pytest

from nova.sdk.background_task import run_until_first


async def test_work_ends_with_other_work_or_with_its_own_error() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("work")

    async def fail() -> None:
        raise ValueError("broken")

    await run_until_first(work(), asyncio.sleep(0))
    assert ended == ["work"]
    with pytest.raises(ValueError, match="broken"):
        await run_until_first(fail(), asyncio.sleep(60))
