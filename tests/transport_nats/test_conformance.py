"""The NATS transport on a real server, held to the promises of all transports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nova.testkit import nats
from nova.testkit.conformance import ServerBackend, TransportConformance

pytestmark = pytest.mark.nats


@pytest.fixture(scope="module")
def backend() -> Iterator[ServerBackend]:
    """A server of this module's own, which the cases stop and kill."""
    with nats.own_server() as server, ServerBackend("nats", server) as own:
        yield own


class TestNats(TransportConformance):
    """A-105…A-119, A-286…A-290, AMB-18; pitfalls rows 12, 13 and 20."""
