"""What a real NOVA serves as metrics: all of the documented list, nothing else, and it counts."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.sdk.client.client import Client
from nova.testkit.running_nova import running_nova
from tests.core.commanding import SCOPE
from tests.e2e.served_nova import (
    ALL_UP,
    EVENTS,
    WAIT_S,
    ServedNova,
    served,
    served_nova,
    until,
    work,
)
from tests.edge.server import PASSWORD
from tests.metric_expressions import documented, expressions, names_in

STALE_S = 2.5
"""Metrics of the writer are at most this old: it reports each second, and the edge asks each."""


@pytest.fixture
async def nova(tmp_path: Path) -> AsyncIterator[ServedNova]:
    async with served_nova(tmp_path / "data") as running:
        yield running


async def test_everything_documented_is_served_and_nothing_else(nova: ServedNova) -> None:
    """A-291, A-292: by HTTP and as a message, with the labels of the page's table."""
    await work(nova)
    await until(nova, **ALL_UP)
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        metrics = await client.metrics()
    table = documented()
    assert {metric.name for metric in metrics} == table.keys()
    for metric in metrics:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        for sample in metric.samples:
            assert sample.labels.keys() - {"le"} == table[metric.name], metric.name
    text = {name for name, *_ in await served(nova)}
    assert text == {one.name or metric.name for metric in metrics for one in metric.samples}
    known = text | table.keys()
    for expression in expressions():
        assert set(names_in(expression)) <= known, expression


async def test_figures_are_of_what_has_happened(nova: ServedNova) -> None:
    """Counts of events, queries and commits grow by what is done, and by no more."""
    before = await until(nova, **ALL_UP)
    await work(nova)
    await asyncio.sleep(STALE_S)
    after = await served(nova)

    def grown(*name: str) -> float:
        return after[name] - before.get(name, 0)

    assert grown("nova_link_records_total", nova.link, "new") == EVENTS
    assert grown("nova_events_total") >= EVENTS
    assert grown("nova_request_seconds_count", "query") == 2
    assert grown("nova_request_seconds_bucket", "+Inf", "query") == 2
    assert grown("nova_request_errors_total", "badTime") == 1
    assert grown("nova_submissions_total", "core", "submitChat", "taken") == 1
    assert grown("nova_submissions_total", "edge", "submitChat", "forwarded") == 1
    assert 1 <= grown("nova_sync_seconds_count") <= grown("nova_commit_seconds_count")
    assert grown("nova_reader_sent_bytes_total", "reply") > EVENTS * 100
    for process in ALL_UP:
        assert grown("nova_process_cpu_seconds_total", process) >= 0
        assert after["nova_process_resident_memory_bytes", process] > 10_000_000


async def test_a_stream_and_its_client_are_counted_while_they_last(nova: ServedNova) -> None:
    """Gauges return to what they were."""
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        stream = client.stream("LIVE")
        streaming = asyncio.create_task(anext(stream))
        async with asyncio.timeout(WAIT_S):
            while (await served(nova))["nova_streams", "live"] != 1:
                await asyncio.sleep(0.2)
        assert (await served(nova))["nova_clients", "authenticated"] == 1
        streaming.cancel()
        await asyncio.wait((streaming,))
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await served(nova)
            if not found["nova_streams", "live"] and not found["nova_clients", "authenticated"]:
                break
            await asyncio.sleep(0.2)


async def test_a_process_that_is_away_leaves_its_metrics_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is 0 in `nova_up`; restarted, its counters begin again, and those of truth do not."""
    monkeypatch.setenv("NOVA_OPEN_METRICS", "true")
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        before = await until(nova, writer=1, reader=1, edge=1)
        os.kill(nova.child("writer"), signal.SIGSTOP)
        silent = before
        async with asyncio.timeout(WAIT_S):
            while silent["nova_writer_connected",]:
                await asyncio.sleep(0.2)
                silent = await served(nova)
        assert silent["nova_up", "writer"] == 0
        assert ("nova_sync_seconds_count",) not in silent
        os.kill(nova.child("reader"), signal.SIGSTOP)
        alone = await until(nova, reader=0, edge=1)
        assert not any(name == "nova_events_total" for name, *_ in alone)
        os.kill(nova.child("reader"), signal.SIGKILL)
        os.kill(nova.child("writer"), signal.SIGKILL)
        after = await until(nova, writer=1, reader=1, edge=1)
        assert after["nova_events_total",] >= before["nova_events_total",]
        assert after["nova_request_seconds_count", "status"] >= 1
        started = "nova_process_start_time_seconds"
        assert after[started, "writer"] > before[started, "writer"]
        assert after[started, "edge"] == before[started, "edge"]
        nova.kill()
