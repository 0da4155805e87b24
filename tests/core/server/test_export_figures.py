"""Ends of exports, by outcome."""

from __future__ import annotations

import asyncio

import pytest

from nova.core.server.export_figures import ExportFigures
from nova.sdk.protocol.export import ExportEnd, ExportFailed


async def test_every_end_is_counted_once() -> None:
    """Also of one that is cancelled with its connection, or fails with an exception."""
    figures = ExportFigures()

    async def failing() -> ExportEnd:
        return ExportFailed(export_id="e", code="disk", message="full")

    async def endless() -> ExportEnd:
        await asyncio.Event().wait()
        raise AssertionError

    assert isinstance(await figures.counted(failing()), ExportFailed)
    task = asyncio.create_task(figures.counted(endless()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (ended, running, kept) = figures.metrics(running=2, kept_bytes=7)
    outcomes = {one.labels["outcome"]: one.value for one in ended.samples}
    assert outcomes == {"complete": 0, "failed": 1, "cancelled": 1}
    assert [one.samples[0].value for one in (running, kept)] == [2, 7]
