"""What the tests of the Kafka transport share: own names on a broker that others use too."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from nova.testkit.broker import bootstrap_servers
from nova.testkit.test_server import BackendServer
from nova.transport_kafka.transport import KafkaTransport

MakeTransport = Callable[..., KafkaTransport]


@pytest.fixture
def scope() -> str:
    """A scope that no other test uses."""
    return f"t{uuid.uuid4().hex[:16]}"


@pytest.fixture
async def make_transport(tmp_path: Path) -> AsyncIterator[MakeTransport]:
    """Makes transports, with librdkafka properties if wanted, and closes them at the end."""
    made: list[KafkaTransport] = []

    def make(url: str, **properties: str) -> KafkaTransport:
        if properties:
            file = tmp_path / f"kafka-{len(made)}.properties"
            lines = [f"{name.replace('_', '.')}={value}" for name, value in properties.items()]
            file.write_text("\n".join(lines))
            url += f"{'&' if '?' in url else '?'}config={file}"
        made.append(KafkaTransport(url))
        return made[-1]

    yield make
    for transport in made:
        await transport.close()


@pytest.fixture
def admin(kafka_broker: BackendServer) -> Iterator[AdminClient]:
    """An administrator of the shared broker."""
    with AdminClient({"bootstrap.servers": bootstrap_servers(kafka_broker.url)}) as client:
        yield client


@pytest.fixture
def foreign_producer(kafka_broker: BackendServer) -> Iterator[Producer]:
    """A producer that knows nothing of NOVA."""
    producer = Producer({"bootstrap.servers": bootstrap_servers(kafka_broker.url)})
    yield producer
    producer.close()
