"""The drill with whole instances and real brokers: `nova up`, `nova backup`, `nova restore`."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from nova.sdk.client.client import Client
from nova.sdk.protocol.health import BackupInfo
from nova.testkit.nats_server import NatsServer
from nova.testkit.running_nova import nova_command, running_nova
from nova.testkit.test_server import BackendServer
from tests.core.backup.numbered_feed import BATCH, WAIT_S, NumberedFeed

pytestmark = pytest.mark.slow


@pytest.fixture(params=["nats", "kafka"])
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a real broker, which keeps what was published."""
    server: BackendServer | NatsServer = request.getfixturevalue(
        {"kafka": "kafka_broker", "nats": "nats_server"}[request.param]
    )
    yield server.url


def succeeded(done: subprocess.CompletedProcess[bytes]) -> dict[str, object]:
    """The JSON result of a command."""
    assert done.returncode == 0, done.stderr.decode()
    return msgspec.json.decode(done.stdout, type=dict[str, object])


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
    feed = NumberedFeed(broker)
    data, target = tmp_path / "data", tmp_path / "target"
    settings = ("--scope", feed.scope, "--transport", broker)
    place = ("--data", str(data), "--to", str(target), "--json")
    with running_nova(data, *settings) as nova:
        asyncio.run(feed.publish(10))
        asyncio.run(feed.arrived(data))
        first = succeeded(nova_command("backup", *place, "--with-users"))
        asyncio.run(feed.publish(2))
        nova.kill()
    shutil.rmtree(data)
    asyncio.run(feed.publish(2))
    back = succeeded(nova_command("restore", "--from", str(target), "--data", str(data), "--json"))
    assert back["events"] == first["events"]
    monkeypatch.setenv("NOVA_BACKUP_TO", str(target))
    with running_nova(data, *settings) as nova:
        asyncio.run(feed.arrived(data))
        found = asyncio.run(next_backup(data))
        assert (found.target, found.scheduled, found.failure) == (str(target), True, None)
        assert found.events > 12 * BATCH
        nova.kill()
