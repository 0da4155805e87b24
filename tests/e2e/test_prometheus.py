"""A real Prometheus that scrapes a NOVA: its targets, the dashboard's expressions, and alerts that
fire for processes that hang and are resolved when they continue. Minutes of the rules are seconds.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.busy_producer import publish
from bench.work import Work
from nova.sdk.client.client import Client
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.submission import SubmitChat
from nova.testkit.ports import free_port
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.core.derivation.deriving import definition_of, write_definition
from tests.e2e.debian_prometheus import prometheus_program
from tests.metric_expressions import ALERTS, dashboard, rules

pytestmark = pytest.mark.slow

WAIT_S = 90.0
SCOPE = "scraped"
EVENTS = 2_000
CONFIGURATION = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: nova
    static_configs: [{targets: ["%s"]}]
"""
UNUSED = ("nova_disk_days_until_full", "nova_disk_growth_bytes_per_day")
"""Known after an hour; a test of the metrics covers them."""


class Prometheus:
    """Its HTTP interface."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer."""
        async with self._session.get(f"{self._url}/api/v1/{path}", params=parameters) as reply:
            found = await reply.json()
        assert found["status"] == "success", found
        return found["data"]

    async def has_series(self, expression: str) -> bool:
        return bool((await self.get("query", query=expression))["result"])

    async def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = (await self.get("alerts"))["alerts"]
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}

    async def until_firing(self, name: str, *, fires: bool = True) -> None:
        while (name in await self.firing()) is not fires:
            await asyncio.sleep(0.2)


@contextmanager
def stopped(process_id: int) -> Iterator[None]:
    """A process that hangs."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process_id, signal.SIGCONT)


@asynccontextmanager
async def prometheus(folder: Path, nova: RunningNova) -> AsyncIterator[Prometheus]:
    """Prometheus, once it has scraped the NOVA."""
    program = prometheus_program("prometheus", folder)
    configuration = folder / "prometheus.yml"
    configuration.write_text(CONFIGURATION % nova.url.removeprefix("http://"))
    (folder / "alerts.yaml").write_text(re.sub(r"for: \d+[mh]", "for: 2s", ALERTS.read_text()))
    address = f"127.0.0.1:{free_port()}"
    options = f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'series'}"
    with subprocess.Popen(
        [program, *options, f"--web.listen-address={address}", "--log.level=warn"]
    ) as process:
        try:
            async with aiohttp.ClientSession() as session:
                served = Prometheus(session, f"http://{address}")
                while not await _is_up(served):
                    await asyncio.sleep(0.2)
                yield served
        finally:
            process.terminate()


async def _is_up(served: Prometheus) -> bool:
    try:
        return await served.has_series("up == 1")
    except aiohttp.ClientError:
        return False


async def use(nova: RunningNova) -> None:
    """What the dashboard shows: ingest, queries, refused ones, chat."""
    await publish(nova.publish, Work(EVENTS, scope=SCOPE).records())
    async with await Client.log_in(nova.url, "admin", PASSWORD) as client:
        assert [event async for event in client.query(Query(limit=10))]
        with pytest.raises(ProtocolError):
            [event async for event in client.query(Query(start_time="never"))]
        await client.submit_chat(SubmitChat(scope_id=SCOPE, content="hello", timeline_mode="LIVE"))


async def without_series(served: Prometheus) -> list[str]:
    """The expressions of the dashboard that have no series now."""
    found = []
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$job", "nova").replace("$__rate_interval", "30s")
            is_unused = any(name in expression for name in UNUSED)
            if not is_unused and not await served.has_series(expression):
                found.append(expression)
    return found


async def test_targets_dashboard_and_alerts_of_a_running_nova(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edge that hangs is a target that is down, any other process one that does not report."""
    monkeypatch.setenv("NOVA_OPEN_METRICS", "true")
    monkeypatch.setenv("NOVA_HUNG_RESTART_S", "0")
    (tmp_path / "definitions").mkdir()
    write_definition(tmp_path / "definitions", definition_of())
    monkeypatch.setenv("NOVA_DEFINITIONS", str(tmp_path / "definitions"))
    with running_nova(tmp_path / "data", "--scope", SCOPE) as nova:
        async with asyncio.timeout(3 * WAIT_S), prometheus(tmp_path, nova) as served:
            (target,) = (await served.get("targets"))["activeTargets"]
            assert target["health"] == "up" and target["lastError"] == ""
            groups = (await served.get("rules"))["groups"]
            loaded = [one for group in groups for one in group["rules"]]
            assert {one["name"] for one in loaded} == {rule["alert"] for rule in rules()}
            while await without_series(served):
                await use(nova)
                await asyncio.sleep(1)
            assert {one["health"] for one in loaded} <= {"ok", "unknown"}
            while await served.firing() & {"NovaProcessDown", "NovaEdgeDown"}:
                await asyncio.sleep(0.2)
            for process, alert in (("sampler", "NovaProcessDown"), ("edge", "NovaEdgeDown")):
                with stopped(nova.child(process)):
                    await served.until_firing(alert)
                await served.until_firing(alert, fires=False)
        nova.kill()
