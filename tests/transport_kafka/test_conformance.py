"""The Kafka transport on a real broker, held to the promises of all transports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nova.testkit import kafka
from nova.testkit.conformance import ServerBackend, TransportConformance

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def backend() -> Iterator[ServerBackend]:
    """A broker of this module's own, which the cases stop and kill."""
    with kafka.own_broker() as broker, ServerBackend("kafka", broker) as own:
        yield own


class TestKafka(TransportConformance):
    """A-105…A-119, A-286…A-290, AMB-18; pitfalls rows 12, 13 and 20."""
