"""An archive is backed up while it is fed, lost, restored, and catches up from its transport."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.health import BackupInfo
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import connect
from nova.testkit.nats_server import NatsServer
from nova.testkit.running_nova import nova_command, running_nova
from nova.testkit.test_server import BackendServer

EPS = Entity("bus", "power", "eps")
BATCH = 50
WAIT_S = 120
START_NS = timestamps.parse("2026-01-01T00:00:00Z")


@pytest.fixture(params=["nats", pytest.param("kafka", marks=pytest.mark.slow)])
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a real broker, which keeps what was published."""
    server: BackendServer | NatsServer = request.getfixturevalue(
        {"kafka": "kafka_broker", "nats": "nats_server"}[request.param]
    )
    yield server.url


class Publisher:
    """Publishes numbered events to a broker; `published` are those that it has confirmed."""

    def __init__(self, url: str) -> None:
        self.url, self.scope = url, f"backup-{uuid.uuid4().hex[:8]}"
        self.published = 0

    async def publish(self, batches: int) -> None:
        transport = connect(self.url)
        producer = Producer(transport, self.scope)
        for _ in range(batches):
            numbers = range(self.published, self.published + BATCH)
            await producer.send([self._event(producer, number) for number in numbers])
            self.published += BATCH
        await transport.close()

    def _event(self, producer: Producer, number: int) -> Event:
        observed = producer.observe(EPS, START_NS + number * 1_000_000)
        return observed.parsed("Count", {"n": number})


def succeeded(done: subprocess.CompletedProcess[bytes]) -> dict[str, object]:
    """The JSON result of a command."""
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=dict[str, object])


async def numbers_in(data: Path) -> Counter[int]:
    """How often each published event is in a running archive."""
    query = Query(filters=Filters(message_types=["Count"]))
    async with await Client.to_core(data) as client:
        found = [msgspec.json.decode(event) async for event in client.query(query)]
    return Counter(event["payload"]["n"] for event in found)


async def wait_for(data: Path, expected: int) -> None:
    """Wait until a running archive holds exactly these numbers, each once."""
    every = Counter(range(expected))
    async with asyncio.timeout(WAIT_S):
        while (found := await numbers_in(data)) != every:
            assert found <= every
            await asyncio.sleep(0.1)


async def next_backup(data: Path) -> BackupInfo:
    """The first backup that the status of a running instance shows."""
    async with asyncio.timeout(WAIT_S), await Client.to_core(data) as client:
        while (found := (await client.status()).backup) is None or found.time is None:
            await asyncio.sleep(0.1)
    return found


def test_a_restored_archive_catches_up(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-299: what was published after the backup comes from the broker, and nothing twice. Its next
    backup is made by the instance itself, to the same target.
    """
    publisher = Publisher(broker)
    data, target = tmp_path / "data", tmp_path / "target"
    settings = ("--scope", publisher.scope, "--transport", broker)
    place = ("--data", str(data), "--to", str(target), "--json")
    with running_nova(data, *settings) as nova:
        asyncio.run(publisher.publish(10))
        asyncio.run(wait_for(data, publisher.published))
        first = succeeded(nova_command("backup", *place, "--with-users"))
        asyncio.run(publisher.publish(2))
        nova.kill()
    shutil.rmtree(data)
    asyncio.run(publisher.publish(2))
    back = succeeded(nova_command("restore", "--from", str(target), "--data", str(data), "--json"))
    assert back["events"] == first["events"]
    monkeypatch.setenv("NOVA_BACKUP_TO", str(target))
    with running_nova(data, *settings) as nova:
        asyncio.run(wait_for(data, publisher.published))
        found = asyncio.run(next_backup(data))
        assert (found.target, found.scheduled, found.failure) == (str(target), True, None)
        assert found.events > 12 * BATCH
        nova.kill()
