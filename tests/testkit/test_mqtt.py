"""The MQTT brokers of the tests: found or started, faulted and ended."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nova.sdk.transport.base import Receipt, Record, Subscription, connect
from nova.testkit import mqtt
from nova.testkit.mosquitto_process import MosquittoProcess
from nova.testkit.mqtt_broker import address_of, wait_until_ready
from nova.testkit.test_server import BackendServer

pytestmark = pytest.mark.mqtt


async def read_once(url: str, positions: dict[str, int], wanted: bytes | None) -> None:
    """Consume until a value has come, or until subscribed; `positions` follow."""
    transport = connect(url)
    async for batch in transport.consume(Subscription("kept"), dict(positions)):
        positions |= batch.positions
        await transport.acknowledge(batch, Receipt())
        if "subscribed" in batch.positions or wanted in [one.value for one in batch.records]:
            break
    await transport.close()


async def publish(url: str, value: bytes) -> None:
    """Publish one record."""
    transport = connect(url)
    await transport.publish([Record("nova.kept.parsed.a.b.c.v1", value)])
    await transport.close()


def test_a_broker_keeps_address_and_data_over_restart_and_kill(
    own_mqtt_broker: BackendServer,
) -> None:
    """Fault tests need the same broker back."""
    broker, positions = own_mqtt_broker, dict[str, int]()
    url = broker.url
    asyncio.run(read_once(url, positions, None))
    for value, end in ((b"restart", broker.stop), (b"kill", broker.kill)):
        asyncio.run(publish(url, value))
        end()
        broker.start()
        asyncio.run(read_once(url, positions, value))
    assert broker.url == url


def test_a_broker_that_is_given_is_used_and_not_stopped(
    mqtt_broker: BackendServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NOVA_TEST_MQTT comes first, and it is not ours."""
    monkeypatch.setenv(mqtt.BROKER_VARIABLE, address_of(mqtt_broker.url))
    with mqtt.shared_broker() as broker:
        assert broker.url == mqtt_broker.url
        assert mqtt.BROKER_VARIABLE in broker.kind
        for fault in (broker.stop, broker.kill):
            with pytest.raises(RuntimeError, match="not the tests' to stop"):
                fault()
    wait_until_ready(mqtt_broker.url)


def test_a_process_takes_more_configuration_and_leaves_nothing() -> None:
    """Whatever a test wants of a broker, it ends with the test."""
    broker = MosquittoProcess("max_packet_size 2000")
    try:
        broker.start()
        folder, pid = broker.folder, broker.pid
    finally:
        broker.close()
    assert pid is not None and not Path(f"/proc/{pid}").exists()
    assert not folder.exists()


def test_a_process_that_cannot_start_says_why() -> None:
    """The broker's own words, not a timeout."""
    broker = MosquittoProcess("no such setting here!")
    try:
        with pytest.raises(ChildProcessError, match="Unknown configuration variable"):
            broker.start()
    finally:
        broker.close()
