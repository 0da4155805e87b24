"""The common interface of the tests' NATS servers."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable

from nova.testkit.test_server import BackendServer

READY_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 1.0
PROBE_INTERVAL_S = 0.02
GREETING_MAX_BYTES = 64 * 1024


class NatsServer(BackendServer):
    """A server with a monitoring port."""

    monitor: str | None
    """The monitoring port as `host:port`, if known."""


def address_of(url: str) -> str:
    return url.removeprefix("nats://")


def wait_until_ready(url: str, check_alive: Callable[[], None] = lambda: None) -> None:
    """Return once the server greets with JetStream; raises TimeoutError after READY_TIMEOUT_S."""
    host, _, port = address_of(url).rpartition(":")
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        check_alive()
        with contextlib.suppress(OSError, ValueError):
            if _has_jetstream(host, int(port)):
                return
        time.sleep(PROBE_INTERVAL_S)
    raise TimeoutError(f"{url} did not offer JetStream within {READY_TIMEOUT_S:.0f} s")


def _has_jetstream(host: str, port: int) -> bool:
    with socket.create_connection((host, port), PROBE_TIMEOUT_S) as connection:
        greeting = connection.makefile("rb").readline(GREETING_MAX_BYTES)
    return json.loads(greeting.removeprefix(b"INFO ")).get("jetstream") is True
