"""Where an edge listens, which its parts learn after they are made: port 0 picks a free one."""

from __future__ import annotations

from aiohttp import web

WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class EdgeAddress:
    """The address of one edge; `runner` is set once there is one."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.runner: web.AppRunner | None = None

    def ports(self) -> frozenset[int]:
        """The ports on which the edge listens now."""
        listening = () if self.runner is None else self.runner.addresses
        return frozenset(int(address[1]) for address in listening)

    def url(self) -> str | None:
        """The URL by which this machine reaches the edge, None before it listens."""
        ports = self.ports()
        if not ports:
            return None
        host = WILDCARD_HOSTS.get(self._host, self._host)
        return f"http://[{host}]:{min(ports)}" if ":" in host else f"http://{host}:{min(ports)}"
