"""Free loopback ports for servers that must know their port before they start."""

from __future__ import annotations

import random
import socket

LOOPBACK = "127.0.0.1"
PORT_LOWEST = 20_000
PORT_HIGHEST = 32_000
ATTEMPTS_MAX = 1_000

# Below the kernel's range for outgoing connections: while a server is down, a client that keeps
# trying to reach a port of that range on loopback can connect to itself and so occupy the port.


def free_port() -> int:
    """A TCP port that nobody listens on at this moment."""
    for _ in range(ATTEMPTS_MAX):
        port = random.randint(PORT_LOWEST, PORT_HIGHEST)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {PORT_LOWEST} and {PORT_HIGHEST}")
