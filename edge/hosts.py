"""The names that an edge answers to: its own, those of loopback, and what it was given.

A page from elsewhere may have its own name point at this machine (DNS rebinding), and would then
read here as if it had been served here, for to its browser it is the same site. What it cannot
change is the name in `Host`. An address in its place is no name, and cannot be rebound.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from edge.replies import Handler, error_reply
from sdk.settings import ANY_HOST

NAME_MAX_CHARS = 255
REFUSED = (
    "this edge does not answer to the name {!r}: if it is one of its names, add it to the setting "
    "allowed_hosts (NOVA_ALLOWED_HOSTS, or --allowed-hosts)"
)

log = logging.getLogger(__name__)


class Hosts:
    """Refuses requests for other names, on every path."""

    def __init__(self, listen: str, allowed: Iterable[str]) -> None:
        """`allowed` are names, `*.` with one for all below it, or `*` for any."""
        self._own = {"localhost", listen.lower(), *_machine_names()}
        self._allowed = frozenset(allowed)

    def middleware(self) -> Middleware:
        """What asks before any handler does."""

        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            name = name_of(request.headers.get(hdrs.HOST, ""))
            if name is not None and self.has(name):
                return await handler(request)
            told = request.headers[hdrs.HOST][:NAME_MAX_CHARS] if name is None else name
            log.info("refused a name", extra={"context": {"host": told}})
            return error_reply(421, "unknownHost", REFUSED.format(told))

        return answer

    def has(self, name: str) -> bool:
        """Whether a name, as `name_of` gives it, is one of this edge's; none at all is no browser's
        doing.
        """
        if name in ("", *self._own) or name.endswith(".localhost") or _is_address(name):
            return True
        _, dot, above = name.partition(".")
        while dot and f"*.{above}" not in self._allowed:
            _, dot, above = above.partition(".")
        return bool(dot) or name in self._allowed or ANY_HOST in self._allowed


def name_of(host: str) -> str | None:
    """The name in a Host, without its port and in small letters; None if it is malformed."""
    if len(host) > NAME_MAX_CHARS or not host.isascii() or set(host) & set("@/\\?#% \t"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  # It is what is malformed, if anything is.
    except ValueError:
        return None
    return (parts.hostname or "").removesuffix(".")


def _machine_names() -> set[str]:
    """What this machine calls itself, and how its neighbours find it by that."""
    name = socket.gethostname().lower().rstrip(".")
    short = name.partition(".")[0]
    return {name, short, f"{short}.local"} - {"", ".local"}


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
