"""Devices that know nothing of NOVA, over a real broker into an archive."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, Query, Rejects
from nova.testkit.mqtt_broker import address_of
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer

pytestmark = pytest.mark.mqtt

WAIT_S = 60.0
MAPPING = """scope = "{scope}"

[[device]]
topic = "{home}/+/temp"
entity = "rooms.climate.{{1}}"
message_type = "Temperature"
payload = "number"
field = "celsius"
time = "received"

[[device]]
topic = "{home}/tele/+/SENSOR"
entity = "tasmota.plugs.{{1}}"
message_type = "Energy"
payload = "json"
fields = {{ power = "ENERGY.Power" }}
time = {{ member = "Time", unit = "iso", offset = "Z" }}
"""


def publish_plainly(url: str, messages: Sequence[tuple[str, bytes, int]]) -> None:
    """Publish as a device does: topic, payload, QoS."""
    host, _, port = address_of(url).rpartition(":")
    device = paho.Client(CallbackAPIVersion.VERSION2)
    device.connect(host, int(port))
    device.loop_start()
    try:
        for topic, payload, qos in messages:
            device.publish(topic, payload, qos).wait_for_publish(WAIT_S)
    finally:
        device.disconnect()
        device.loop_stop()


async def link_is_connected(client: Client) -> None:
    """Wait for the subscription."""
    async with asyncio.timeout(WAIT_S):
        while [link.connection for link in (await client.status()).links] != ["connected"]:
            await asyncio.sleep(0.05)


def test_plain_values_are_archived_and_bad_ones_are_in_the_reject_log(
    tmp_path: Path, mqtt_broker: BackendServer
) -> None:
    """With and without acknowledgements of their own; what is wrong stops nothing."""
    scope = home = f"d{uuid.uuid4().hex[:12]}"
    mapping = tmp_path / "devices.toml"
    mapping.write_text(MAPPING.format(scope=scope, home=home))
    messages = [
        (f"{home}/kitchen/temp", b"21.5", 1),
        (f"{home}/kitchen/temp", b"warm", 1),
        (f"{home}/my room/temp", b"20", 1),
        (f"{home}/tele/p1/SENSOR", b'{"Time":"2026-01-01T12:00:00","ENERGY":{"Power":7}}', 0),
        (f"{home}/tele/p1/SENSOR", b'{"Time":"2026-01-01T12:00:00Z","ENERGY":{"Power":', 0),
        (f"nova/{scope}/no/address", b"{}", 1),
        (f"{home}/cellar/temp", b"9", 2),
    ]

    async def check(data: Path) -> None:
        async with await Client.to_core(data) as client:
            await link_is_connected(client)
            await asyncio.to_thread(publish_plainly, mqtt_broker.url, messages)
            filters = Filters(scope_ids=[scope], lanes=["parsed"])
            async with asyncio.timeout(WAIT_S):
                while len(events := [e async for e in client.query(Query(filters=filters))]) < 3:
                    await asyncio.sleep(0.05)
            values = [json.loads(event) for event in events]
            assert {(v["uniqueId"], *v["payload"].items()) for v in values} == {
                ("kitchen", ("celsius", 21.5)),
                ("p1", ("power", 7)),
                ("cellar", ("celsius", 9)),
            }
            rejects = (await client.rejects(Rejects())).rejects
            said = {(one.address, one.code, one.member) for one in rejects}
            assert said == {
                (f"mqtt:{home}/kitchen/temp", "badValue", "payload"),
                (f"mqtt:{home}/my room/temp", "badValue", "topic"),
                (f"mqtt:{home}/tele/p1/SENSOR", "malformed", "payload"),
                (f"mqtt:nova/{scope}/no/address", "badAddress", "address"),
            }
            assert "'warm' is not a number" in [one.reason for one in rejects]

    url = f"{mqtt_broker.url}?devices={mapping}"
    with running_nova(tmp_path / "data", "--scope", scope, "--transport", url) as nova:
        asyncio.run(check(nova.data))
        nova.kill()
