"""The metrics that other processes report to a reader, over its socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import msgspec
import pytest

from nova.core.errors import ArchiveDamagedError
from nova.core.metrics.report import METRICS_PATH, ProcessReport, report_metrics
from nova.core.server import instance_status
from nova.core.server.metrics_board import SILENCE_S, MetricsBoard
from nova.sdk import endpoints
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Error, Metrics, StatusResponse
from nova.sdk.protocol.metric_messages import Metric, gauge
from nova.sdk.protocol.submission import SCOPES_HEADER, USER_HEADER
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.edge_client import edge_client, received
from tests.core.running import Core, running_core
from tests.core.telling import START_NS, telling

LAG = "nova_derived_lag_events"


def ups(metrics: list[Metric]) -> dict[str, float]:
    """`nova_up` by process."""
    (up,) = (metric for metric in metrics if metric.name == "nova_up")
    return {one.labels["process"]: one.value for one in up.samples}


def test_a_silent_process_is_down_and_its_metrics_are_gone() -> None:
    """Old figures are not served as those of now; a new report brings them back."""
    now_s = 100.0
    board = MetricsBoard(["writer", "sampler"], ["alarms"], clock=lambda: now_s)
    board.receive("writer", [gauge("of_writer", "").add(1)])
    assert ups(board.metrics()) == {"writer": 1, "sampler": 0}
    now_s += SILENCE_S
    assert ups(board.metrics()) == {"writer": 0, "sampler": 0}
    assert [one.name for one in board.metrics()] == ["nova_up"]
    board.receive("writer", [gauge("of_writer", "").add(1)])
    assert [one.name for one in board.metrics()] == ["nova_up", "of_writer"]
    board.forget("writer")
    assert ups(board.metrics())["writer"] == 0


async def test_reports_arrive_and_clients_of_an_edge_cannot_make_them(tmp_path: Path) -> None:
    """Only names of processes, only from this instance, and limited clients do not read them."""
    data = tmp_path / "data"
    async with running_core(Settings(data=str(data), scope="sat")):
        reporting = asyncio.create_task(report_metrics("sampler", data, list, interval_s=0.01))
        async with await Client.to_core(data) as client:
            async with asyncio.timeout(20):
                while ups(await client.metrics()) != {"reader": 1, "writer": 1, "sampler": 1}:
                    await asyncio.sleep(0.05)
        reporting.cancel()
        connector = aiohttp.UnixConnector(str(endpoints.reader_socket(data)))
        async with aiohttp.ClientSession(connector=connector) as session:

            async def posted(process: str, **headers: str) -> int:
                body = msgspec.json.encode(ProcessReport(process=process, metrics=[]))
                url = f"http://localhost{METRICS_PATH}"
                async with session.post(url, data=body, headers=headers) as reply:
                    return reply.status

            assert await posted("sampler") == 200
            assert await posted("stranger") == 400
            assert await posted("sampler", **{USER_HEADER: "ann"}) == 403
        async with edge_client(data, "c", **{SCOPES_HEADER: "sat"}) as frames:
            await frames.send(Metrics())
            reply = await received(frames)
            assert isinstance(reply, Error) and reply.code == "forbidden"


async def test_lags_grow_while_a_busy_process_reports_nothing(core: Core) -> None:
    """One report, as of an empty archive: what comes afterwards is lacking until the next one."""

    async def report(cursor_ns: int) -> None:
        connector = aiohttp.UnixConnector(str(endpoints.reader_socket(core.data)))
        body = msgspec.json.encode(
            ProcessReport(process="sampler", metrics=[], cursors={"samples": cursor_ns})
        )
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(f"http://localhost{METRICS_PATH}", data=body) as reply,
        ):
            assert reply.ok

    async with await Client.to_core(core.data) as client:

        async def lag() -> float:
            (found,) = (one for one in await client.metrics() if one.name == LAG)
            (sample,) = found.samples
            assert sample.labels == {"data": "samples"}
            return sample.value

        await report(NS_MIN)
        assert await lag() == 0
        await core.publish([telling(START_NS + number, {"n": number}) for number in range(5)])
        await core.settled(client, 5)
        assert await lag() >= 5
        await report(NS_MAX)
        assert await lag() == 0


async def test_an_archive_that_cannot_be_read_takes_its_own_metrics_only(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether processes run, and on what disk, is wanted most while the archive is damaged."""

    def damaged(*_: object) -> StatusResponse:
        raise ArchiveDamagedError("a block cannot be read")

    async with await Client.to_core(core.data) as client:
        assert "nova_events_total" in {one.name for one in await client.metrics()}
        monkeypatch.setattr(instance_status, "status", damaged)
        found = await client.metrics()
    assert ups(found)["reader"] == 1
    names = {one.name for one in found}
    assert "nova_disk_free_bytes" in names and "nova_events_total" not in names
