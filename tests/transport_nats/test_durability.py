"""Warnings about acknowledgements that a power cut can revoke."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from nova.sdk.transport.link import LinkHealth
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer
from nova.testkit.ports import LOOPBACK, free_port
from nova.transport_nats.config import parse_url
from nova.transport_nats.durability import check_server
from nova.transport_nats.transport import NatsTransport
from tests.transport_nats.consuming import numbered

pytestmark = pytest.mark.nats

MakeTransport = Callable[..., NatsTransport]


@contextmanager
def server_syncing(sync: str) -> Iterator[NatsProcess]:
    """A server that syncs its files this often."""
    server = NatsProcess(sync=sync)
    try:
        server.start()
        yield server
    finally:
        server.close()


async def warnings(transport: NatsTransport) -> str:
    """What is said once the server is reached."""
    await transport.publish(numbered("s", 1))
    return "\n".join(transport.state().warnings)


async def test_a_server_that_syncs_always_is_fine(make_transport: MakeTransport) -> None:
    """nats-server#7564: nothing to say."""
    with server_syncing("always") as server:
        url = f"{server.url}?monitor={server.monitor}"
        assert await warnings(make_transport(url)) == ""


async def test_a_server_that_syncs_now_and_then_is_told(
    make_transport: MakeTransport, caplog: pytest.LogCaptureFixture
) -> None:
    """nats-server#7564: with the interval and the remedy, in log and state."""
    with server_syncing("2m") as server:
        url = f"{server.url}?monitor={server.monitor}"
        told = await warnings(make_transport(url))
    assert "not durable: the server syncs every 120 s; set sync_interval: always" in told
    assert told in caplog.text


async def test_a_server_without_a_monitor_gives_a_warning(
    nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """Clients cannot ask for it: the message says what to do."""
    told = await warnings(make_transport(nats_server.url))
    assert "it is unknown" in told and "?monitor=" in told


async def test_a_monitor_that_does_not_answer_is_reported_and_nothing_else_suffers(
    nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """Publishing continues."""
    monitor = f"{LOOPBACK}:{free_port()}"
    told = await warnings(make_transport(f"{nats_server.url}?monitor={monitor}"))
    assert "it is unknown" in told and monitor in told


async def test_a_monitor_that_is_none_is_reported(
    nats_server: NatsServer, make_transport: MakeTransport
) -> None:
    """The client port in its place, for instance."""
    monitor = nats_server.url.removeprefix("nats://")
    told = await warnings(make_transport(f"{nats_server.url}?monitor={monitor}"))
    assert "it is unknown" in told and monitor in told


async def test_a_stream_in_memory_is_told(
    nats_server: NatsServer, make_transport: MakeTransport, jetstream: JetStreamContext, scope: str
) -> None:
    """An integrator's stream that ends with its server."""
    await jetstream.add_stream(name=scope, subjects=[f"nova.{scope}.>"], storage="memory")
    transport = make_transport(nats_server.url)
    await transport.publish(numbered(scope, 1))
    assert f"stream {scope} is in memory" in "\n".join(transport.state().warnings)


async def test_an_old_server_is_told(nats_server: NatsServer, client: Client) -> None:
    """Servers before that version lose records; here every one counts as old."""
    health = LinkHealth()
    reporter = LinkHealthReporter("nats", "nats://here", health)
    config = parse_url(nats_server.url)
    await check_server(config, client, reporter)
    assert "which can lose records" not in "\n".join(health.state({}).warnings)
    await check_server(config, client, reporter, oldest_safe=(99, 0, 0))
    told = "\n".join(health.state({}).warnings)
    assert "which can lose records: use 99.0.0 or later" in told
