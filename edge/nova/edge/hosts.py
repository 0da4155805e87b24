"""Checks the Host header against the edge's names: its own, loopback and configured ones.

This defeats DNS rebinding: a page from elsewhere can point its own name at this machine, and its
browser would then treat the edge as the same site. The page cannot change the name in `Host`. An
IP address in `Host` is accepted, since it cannot be rebound.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from nova.edge.replies import Handler, error_reply
from nova.sdk.settings import ANY_HOST

NAME_MAX_CHARS = 255
UNKNOWN_HOST = (
    "this edge does not accept the host name {!r}: if it is one of its names, add it to the "
    "setting allowed_hosts (NOVA_ALLOWED_HOSTS, or --allowed-hosts)"
)

log = logging.getLogger(__name__)


class HostFilter:
    """Refuses requests with an unknown Host, on every path."""

    def __init__(self, listen: str, allowed: Iterable[str]) -> None:
        """`allowed` holds names, `*.NAME` for all names below it, or `*` for any name."""
        self._own = {"localhost", listen.lower(), *_machine_names()}
        self._allowed = frozenset(allowed)

    def middleware(self) -> Middleware:
        """The middleware that checks the Host before the handler runs."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            name = host_name(request.headers.get(hdrs.HOST, ""))
            if name is not None and self.allows(name):
                return await handler(request)
            shown = request.headers[hdrs.HOST][:NAME_MAX_CHARS] if name is None else name
            log.info("unknown host name refused", extra={"context": {"host": shown}})
            return error_reply(421, "unknownHost", UNKNOWN_HOST.format(shown))

        return answer

    def allows(self, name: str) -> bool:
        """Whether a name from `host_name` is accepted. An empty name is: no browser sends that."""
        if name in ("", *self._own) or name.endswith(".localhost") or _is_address(name):
            return True
        _, dot, above = name.partition(".")
        while dot and f"*.{above}" not in self._allowed:
            _, dot, above = above.partition(".")
        return bool(dot) or name in self._allowed or ANY_HOST in self._allowed


def host_name(host: str) -> str | None:
    """The lower-case name in a Host header, without its port; None if it is malformed."""
    if len(host) > NAME_MAX_CHARS or not host.isascii() or set(host) & set("@/\\?#% \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  # Raises ValueError if it is malformed.
    except ValueError:
        return None
    return (parts.hostname or "").removesuffix(".")


def _machine_names() -> set[str]:
    """This machine's host name, and the form under which mDNS publishes it."""
    name = socket.gethostname().lower().rstrip(".")
    short = name.partition(".")[0]
    return {name, short, f"{short}.local"} - {"", ".local"}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
