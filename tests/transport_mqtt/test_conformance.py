"""The MQTT transport on a real broker, held to the promises of all transports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nova.testkit import mqtt
from nova.testkit.conformance import ServerBackend, TransportConformance

pytestmark = pytest.mark.mqtt


@pytest.fixture(scope="module")
def backend() -> Iterator[ServerBackend]:
    """A broker of this module's own, which the cases stop and kill."""
    with (
        mqtt.own_broker() as broker,
        ServerBackend("mqtt", broker, keeps_history=False) as own,
    ):
        yield own


class TestMqtt(TransportConformance):
    """The promises of a backend that keeps records in sessions."""
