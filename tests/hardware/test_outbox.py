"""Outlets: a disk that is full makes devices wait, and loses nothing."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path

import pytest

from nova.hardware.outbox import Outbox
from nova.hardware.outbox_log import LostRecords, OutboxLog
from nova.sdk.producer.producer import Producer
from tests.hardware.bench_device import Line
from tests.hardware.test_outbox_log import records


async def test_a_full_disk_is_waited_for(tmp_path: Path) -> None:
    """`put` returns when there is room again; what it was given is there once and in order."""
    lost: list[LostRecords] = []
    line = Line()
    spool = OutboxLog(tmp_path, 1024 * 1024, lost.append)
    outlet = Outbox("readings", spool, Producer(line, "sat"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    await outlet.put(records(0, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool.size_bytes + 10, hard))
    try:
        waiting = asyncio.create_task(outlet.put(records(3, 3)))
        done, _ = await asyncio.wait((waiting,), timeout=0.2)
        assert not done
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    async with asyncio.timeout(20):
        await waiting
    publishing = asyncio.create_task(outlet.run())
    async with asyncio.timeout(20):
        await outlet.wait_drained()
    publishing.cancel()
    await asyncio.wait((publishing,))
    outlet.close()
    assert line.records == records(0, 6)
    assert lost == []
    assert (outlet.published, outlet.rejected) == (6, 0)


async def test_what_the_core_refuses_is_counted_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    """The Core keeps it with its reason; here it is counted, and the rest goes on."""
    line = Line()
    spool = OutboxLog(tmp_path, 1024 * 1024, lambda lost: None)
    outlet = Outbox("readings", spool, Producer(line, "sat"))
    bad = records(0, 1)[0]._replace(value=b"{}")
    await outlet.put([bad, *records(1, 2)])
    publishing = asyncio.create_task(outlet.run())
    async with asyncio.timeout(20):
        await outlet.wait_drained()
    publishing.cancel()
    await asyncio.wait((publishing,))
    outlet.close()
    assert (outlet.published, outlet.rejected) == (3, 1)
    assert len(line.events) == 2


async def test_who_cannot_wait_any_longer_is_told_of_the_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A host that ends while its disk is full says what it could not keep."""
    spool = OutboxLog(tmp_path, 1024 * 1024, lambda lost: None)
    outlet = Outbox("readings", spool, Producer(Line(), "sat"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    await outlet.put(records(0, 3))
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool.size_bytes + 10, hard))
    try:
        waiting = asyncio.create_task(outlet.put(records(3, 3)))
        await asyncio.wait((waiting,), timeout=0.05)
        waiting.cancel()
        await asyncio.wait((waiting,))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    outlet.close()
    (lost,) = [one for one in caplog.records if one.getMessage() == "events were lost"]
    assert getattr(lost, "context", {})["records"] == 3
