"""Producers without NOVA: the command in docs/producers.md is run as it is."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query
from nova.testkit.mqtt_broker import address_of
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer

pytestmark = pytest.mark.mqtt

PAGE = Path(__file__).parents[2] / "docs" / "producers.md"
WAIT_S = 30.0


def publish(script: str, url: str) -> None:
    """Run the page's command."""
    host, _, port = address_of(url).rpartition(":")
    environment = {**os.environ, "HOST": host, "PORT": port}
    command = ["bash", "-eu", "-c", script]
    subprocess.run(command, env=environment, check=True, timeout=WAIT_S)


async def published_and_stored(data: Path, script: str, url: str) -> list[dict[str, object]]:
    """The parsed events of the archive, once there is one."""
    async with asyncio.timeout(WAIT_S), await Client.to_core(data) as client:
        while [link.connection for link in (await client.status()).links] != ["connected"]:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(publish, script, url)
        query = Query(filters=Filters(lanes=["parsed"]))
        while not (found := [event async for event in client.query(query)]):
            await asyncio.sleep(0.05)
    return [msgspec.json.decode(event) for event in found]


def test_mosquitto_pub_is_a_full_producer(
    tmp_path: Path, mqtt_broker: BackendServer, scope: str
) -> None:
    """A-107: topic and envelope are the whole contract; ids come from the topic."""
    scripts = re.findall(r"```sh\n(mosquitto_pub .*?)```", PAGE.read_text(), re.DOTALL)
    (script,) = (text.replace("sat1", scope) for text in scripts)
    url = mqtt_broker.url
    with running_nova(tmp_path, "--scope", scope, "--transport", url) as nova:
        (event,) = asyncio.run(published_and_stored(nova.data, script, url))
        nova.kill()
    ids = (event["scopeId"], event["systemId"], event["containerId"], event["uniqueId"])
    assert ids == (scope, "bus", "eps", "battery")
    assert event["payload"] == {"volts": 28.5}
