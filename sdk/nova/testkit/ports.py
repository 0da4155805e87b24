"""Free loopback ports for servers that need their port before they start."""

from __future__ import annotations

import random
import socket
from itertools import cycle

LOOPBACK = "127.0.0.1"
PORT_LOWEST = 20_000
PORT_HIGHEST = 32_000
ATTEMPTS_MAX = 1_000

# The range lies below the kernel's ephemeral ports: while a server is down, a client that retries a
# loopback port of that range can connect to itself and so occupy the port.
_ports = cycle(random.sample(range(PORT_LOWEST, PORT_HIGHEST + 1), PORT_HIGHEST + 1 - PORT_LOWEST))


def free_port() -> int:
    """A TCP port that nobody listens on right now, and that this process was not given before."""
    for _ in range(ATTEMPTS_MAX):
        port = next(_ports)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no free port between {PORT_LOWEST} and {PORT_HIGHEST}")
