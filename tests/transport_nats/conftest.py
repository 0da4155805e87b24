"""What the tests of the NATS transport share: own names on a server that others use too."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext, JetStreamManager

from nova.testkit.nats_server import NatsServer
from nova.transport_nats.publisher import PUBLISH_LIMITS, PublishLimits
from nova.transport_nats.transport import NatsTransport

MakeTransport = Callable[..., NatsTransport]


@pytest.fixture
def scope() -> str:
    """A scope that no other test uses."""
    return f"t{uuid.uuid4().hex[:16]}"


@pytest.fixture
async def make_transport(tmp_path: Path) -> AsyncIterator[MakeTransport]:
    """Makes transports, with options if wanted, and closes them at the end."""
    made: list[NatsTransport] = []

    def make(url: str, *, limits: PublishLimits = PUBLISH_LIMITS, **options: str) -> NatsTransport:
        if options:
            file = tmp_path / f"nats-{len(made)}.options"
            file.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
            url += f"{'&' if '?' in url else '?'}config={file}"
        made.append(NatsTransport(url, limits))
        return made[-1]

    yield make
    for transport in made:
        await transport.close()


@pytest.fixture
async def client(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A client of the shared server that knows nothing of NOVA."""
    async with await nats.connect(nats_server.url) as connected:
        yield connected


@pytest.fixture
def jetstream(client: Client) -> JetStreamContext:
    """JetStream of the shared server, as integrators use it."""
    return client.jetstream()


@pytest.fixture
def manager(client: Client) -> JetStreamManager:
    """JetStream's administration on the shared server."""
    return client.jsm()
