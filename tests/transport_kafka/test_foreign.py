"""Producers without NOVA: the programs in docs/producers.md are run as they are."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query
from nova.testkit.broker import bootstrap_servers
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer
from nova.transport_kafka.config import parse_url
from nova.transport_kafka.topics import ensure_topics

pytestmark = pytest.mark.kafka

PAGE = Path(__file__).parents[2] / "docs" / "producers.md"
WAIT_S = 30.0
VOLTS = 27.25


def examples(language: str) -> list[str]:
    """The page's code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def shell(script: str, servers: str) -> str:
    """What a shell example prints; raises if it fails."""
    environment = {**os.environ, "BROKER": servers}
    command = ["bash", "-eu", "-o", "pipefail", "-c", script]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=WAIT_S
    ).stdout


async def stored(data: Path, count: int) -> list[dict[str, object]]:
    """The parsed events of the archive, once there are this many."""
    query = Query(timebase="canonical", filters=Filters(lanes=["parsed"]))
    async with asyncio.timeout(WAIT_S), await Client.to_core(data) as client:
        while len(found := [event async for event in client.query(query)]) < count:
            await asyncio.sleep(0.1)
    return [msgspec.json.decode(event) for event in found]


def test_kcat_and_a_short_script_are_full_producers(
    tmp_path: Path, kafka_broker: BackendServer, scope: str
) -> None:
    """A-105, A-107: topic, key and envelope are the whole contract; ids come from the key."""
    into_kcat, out_of_kcat = (text.replace("sat1", scope) for text in examples("sh")[:2])
    script = examples("python")[0]
    assert len(script.splitlines()) <= 20
    servers = bootstrap_servers(kafka_broker.url)
    ensure_topics(parse_url(kafka_broker.url), {f"nova.{scope}.parsed.v1"})
    shell(into_kcat, servers)
    subprocess.run(
        [sys.executable, "-c", script, servers, scope, str(VOLTS)], check=True, timeout=WAIT_S
    )
    lines = shell(out_of_kcat, servers).splitlines()
    assert [line.split(" ", 1)[0] for line in lines] == ["bus.eps.battery"] * 2
    with running_nova(tmp_path, "--scope", scope, "--transport", kafka_broker.url) as nova:
        events = asyncio.run(stored(nova.data, 2))
        nova.kill()
    assert [event["payload"] for event in events] == [{"volts": 28.5}, {"volts": VOLTS}]
    for event in events:
        ids = (event["scopeId"], event["systemId"], event["containerId"], event["uniqueId"])
        assert ids == (scope, "bus", "eps", "battery")
