"""What the tests of the MQTT transport share: transports, and brokers with settings."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from nova.testkit.mosquitto_process import MosquittoProcess
from nova.transport_mqtt.transport import MqttTransport

MakeTransport = Callable[..., MqttTransport]
MakeBroker = Callable[[str], MosquittoProcess]


@pytest.fixture
def scope() -> str:
    """A scope that no other test uses."""
    return f"t{uuid.uuid4().hex[:16]}"


@pytest.fixture
async def make_transport(tmp_path: Path) -> AsyncIterator[MakeTransport]:
    """Makes transports, with options if wanted, and closes them at the end."""
    made: list[MqttTransport] = []

    def make(url: str, **options: str) -> MqttTransport:
        if options:
            file = tmp_path / f"mqtt-{len(made)}.options"
            file.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
            url += f"?config={file}"
        made.append(MqttTransport(url))
        return made[-1]

    yield make
    for transport in made:
        await transport.close()


@pytest.fixture
def make_broker() -> Iterator[MakeBroker]:
    """Starts brokers with settings of their own, and ends them."""
    made: list[MosquittoProcess] = []

    def make(settings: str) -> MosquittoProcess:
        made.append(MosquittoProcess(settings))
        made[-1].start()
        return made[-1]

    yield make
    for broker in made:
        broker.close()
