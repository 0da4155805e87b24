"""Where a request really comes from: behind proxies that are trusted, and by nobody else's word."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

from sdk.settings import ProxyNetwork

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
"""What a peer without an address counts as, such as one on a Unix socket."""

IPV6_PREFIX_BITS = 64
"""What one IPv6 customer has for himself; his addresses count as one."""

IPV4_NEIGHBOURS_BITS = 24
IPV6_NEIGHBOURS_BITS = 48

Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Finds the addresses of clients; `trusted` are the networks of the proxies in front."""

    def __init__(self, trusted: Sequence[ProxyNetwork] = ()) -> None:
        self._trusted = tuple(trusted)
        self._has_warned = False

    def of(self, request: web.Request) -> str:
        """The rightmost hop that is no trusted proxy; what stands left of it anybody could write.

        X-Forwarded-For and Forwarded have to agree where both are there: a proxy writes one of
        them, and passes on what its client has put into the other.
        """
        peer = _parsed(request.remote or "")
        if peer is None:
            return UNKNOWN
        chains = [chain for chain in (_forwarded_for(request), _forwarded(request)) if chain]
        if chains and not self._trusts(peer):
            self._warn(peer)
        found = {self._client(peer, chain) for chain in chains} or {peer}
        return str(found.pop() if len(found) == 1 else peer)

    def is_secure(self, request: web.Request) -> bool:
        """Whether the client speaks TLS, to this edge or to a trusted proxy in front of it."""
        peer = _parsed(request.remote or "")
        if peer is None or not self._trusts(peer):
            return request.secure
        return request.secure or request.headers.get("X-Forwarded-Proto", "") == "https"

    def _client(self, peer: Address, chain: Iterable[str]) -> Address:
        found = peer
        for hop in chain:
            if not self._trusts(found):
                return found
            address = _parsed(hop)
            if address is None:  # `unknown`: the proxy that wrote it stands for it
                return found
            found = address
        return found

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _warn(self, peer: Address) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "requests are forwarded by a proxy that is not in trusted_proxies: all its clients "
                "count as one address",
                extra={"context": {"proxy": str(peer)}},
            )


def counted(address: str) -> str:
    """What an address counts as: itself, or its /64 if it is IPv6."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_PREFIX_BITS), strict=False))
    return str(parsed or UNKNOWN)


def neighbourhood(address: str) -> str:
    """The /24 or /48 around an address, which one attacker often has whole."""
    parsed = _parsed(address)
    if parsed is None:
        return UNKNOWN
    bits = IPV6_NEIGHBOURS_BITS if isinstance(parsed, IPv6Address) else IPV4_NEIGHBOURS_BITS
    return str(ip_network((parsed, bits), strict=False))


def _forwarded_for(request: web.Request) -> list[str]:
    """The hops of X-Forwarded-For, the nearest first."""
    return _items(request, "X-Forwarded-For")


def _forwarded(request: web.Request) -> list[str]:
    """The hops of Forwarded (RFC 7239), the nearest first; one without `for` is unknown."""
    return [_for_of(element) for element in _items(request, "Forwarded")]


def _for_of(element: str) -> str:
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip()
    return UNKNOWN


def _items(request: web.Request, header: str) -> list[str]:
    """The items of a list, the last first.

    Commas part them also inside quotes, as no address has one: a quote that a client leaves open
    would swallow what the proxy has written behind it.
    """
    joined = ",".join(request.headers.getall(header, []))
    return [item.strip() for item in reversed(joined.split(","))] if joined else []


def _parsed(text: str) -> Address | None:
    """An address as proxies write it: with a port, in brackets, with a zone."""
    bare = text.strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
