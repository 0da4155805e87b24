"""What a real NOVA serves as metrics: all of the documented list, nothing else, and it counts."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from nova.core.derived import sampler_process
from nova.core.files import files_process
from nova.sdk import archive_id, endpoints
from nova.sdk.archive_id import ANY_ARCHIVE
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.submission import SubmitChat
from nova.sdk.settings import Settings
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova
from tests.core.commanding import HEATER, SCOPE
from tests.core.running import running_core
from tests.edge.server import PASSWORD, running_edge

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
WAIT_S = 120.0
"""Sampler and files have the lowest priority, and a busy machine starts them late."""

EVENTS = 200
STALE_S = 2.5
"""Metrics of the writer are at most this old: it reports each second, and the edge asks each."""

Values = dict[tuple[str, ...], float]


@dataclass
class ServedNova:
    """Where clients and producers reach it."""

    url: str
    publish: str
    link: str


@pytest.fixture
async def nova(tmp_path: Path) -> AsyncIterator[ServedNova]:
    """All parts of an instance in this process: as processes, sampler and files would wait for
    their turn on a busy machine.
    """
    data = tmp_path / "data"
    settings = Settings(data=str(data), scope=SCOPE, drivers=("jsonl",))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running_core(settings))
        files = await stack.enter_async_context(files_process.open_writer(settings))
        served = archive_id.require(data, ANY_ARCHIVE)
        stack.push_async_callback(
            cancel, asyncio.create_task(sampler_process.maintain_all(settings, served))
        )
        stack.push_async_callback(
            cancel, asyncio.create_task(files_process.run_and_report(files, data))
        )
        edge = await stack.enter_async_context(
            running_edge(data, endpoints.reader_socket(data), open_metrics=True)
        )
        link = f"local://{data}"
        yield ServedNova(edge.url, link, link)


async def cancel(task: asyncio.Task[None]) -> None:
    assert not task.done(), task
    task.cancel()
    await asyncio.wait((task,))


async def served(nova: ServedNova | RunningNova) -> Values:
    """Values by name, and labels in the order of their names."""
    async with aiohttp.ClientSession() as session, session.get(f"{nova.url}/metrics") as reply:
        text = await reply.text()
    assert reply.status == 200, text
    return {
        (sample.name, *dict(sorted(sample.labels.items())).values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def until(nova: ServedNova | RunningNova, **expected: float) -> Values:
    """The metrics, once every process has reported these values of `nova_up`."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await served(nova)
            if all(found.get(("nova_up", name)) == value for name, value in expected.items()):
                return found
            await asyncio.sleep(0.2)


ALL_UP = {"writer": 1, "reader": 1, "sampler": 1, "files": 1, "edge": 1}


async def work(nova: ServedNova) -> None:
    """Ingest, a query, a refused one and a message, so that every metric has a value."""
    async with Producer(connect(nova.publish), SCOPE) as producer:
        heater = producer.observe(HEATER)
        receipt = await producer.send(
            heater.parsed("Heater", {"watts": number}) for number in range(EVENTS)
        )
    assert receipt.new == EVENTS
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        assert len([event async for event in client.query(Query())]) >= EVENTS
        with pytest.raises(ProtocolError):
            [event async for event in client.query(Query(start_time="never"))]
        await client.submit_chat(SubmitChat(scope_id=SCOPE, content="hello", timeline_mode="LIVE"))


def documented() -> dict[str, set[str]]:
    """The labels of each metric in the table of the page."""
    part = PAGE.read_text().split("\n## Metrics\n", 1)[1].split("\n## ", 1)[0]
    found: dict[str, set[str]] = {}
    for line in part.splitlines():
        if line.startswith("| `nova_"):
            _, names, labels, *_ = line.split("|")
            columns = re.sub(r"\([^)]*\)", "", labels)
            for name in re.findall(r"`(nova_\w+)`", names):
                found[name] = set(re.findall(r"`(\w+)`", columns))
    return found


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
