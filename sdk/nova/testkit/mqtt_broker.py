"""Addresses and readiness of the tests' MQTT brokers."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable

READY_TIMEOUT_S = 30.0
PROBE_TIMEOUT_S = 1.0
PROBE_INTERVAL_S = 0.02
CONNECT = bytes.fromhex("100d 0004 4d51 5454 05 02 000a 00 0000")
"""CONNECT of MQTT 5: a clean start, a keep-alive of ten seconds, no client id."""

CONNACK = 0x20


def address_of(url: str) -> str:
    return url.removeprefix("mqtt://")


def wait_until_ready(url: str, check_alive: Callable[[], None] = lambda: None) -> None:
    """Return once the broker answers a CONNECT; raises TimeoutError after READY_TIMEOUT_S."""
    host, _, port = address_of(url).rpartition(":")
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        check_alive()
        with contextlib.suppress(OSError):
            if _answers(host, int(port)):
                return
        time.sleep(PROBE_INTERVAL_S)
    raise TimeoutError(f"{url} did not answer within {READY_TIMEOUT_S:.0f} s")


def _answers(host: str, port: int) -> bool:
    with socket.create_connection((host, port), PROBE_TIMEOUT_S) as connection:
        connection.sendall(CONNECT)
        return connection.recv(1) == bytes([CONNACK])
