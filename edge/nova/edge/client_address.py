"""Finds a request's client address behind trusted proxies."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

from nova.sdk.settings import ProxyNetwork

log = logging.getLogger(__name__)

UNKNOWN = "unknown"
"""The key of peers without an address, such as those on a Unix socket."""

IPV6_PREFIX_BITS = 64
"""The prefix that one IPv6 customer usually gets; addresses inside it are counted as one."""

IPV4_NETWORK_BITS = 24
IPV6_NETWORK_BITS = 48

Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Resolves client addresses; `trusted` are the networks of the reverse proxies."""

    def __init__(self, trusted: Sequence[ProxyNetwork] = ()) -> None:
        self._trusted = tuple(trusted)
        self._has_warned = False

    def client_of(self, request: web.Request) -> str:
        """The rightmost hop that is not a trusted proxy; clients can forge everything left of it.

        If both X-Forwarded-For and Forwarded are present, they must agree; else the peer's address
        is used: a proxy writes only one of them and passes the client's own value of the other on.
        """
        peer = _parse_address(request.remote or "")
        if peer is None:
            return UNKNOWN
        chains = [chain for chain in (_forwarded_for(request), _forwarded(request)) if chain]
        if chains and not self._trusts(peer):
            self._warn(peer)
        clients = {self._first_untrusted(peer, chain) for chain in chains} or {peer}
        return str(clients.pop() if len(clients) == 1 else peer)

    def is_secure(self, request: web.Request) -> bool:
        """Whether the client uses TLS, to this edge or to a trusted proxy."""
        peer = _parse_address(request.remote or "")
        if peer is None or not self._trusts(peer):
            return request.secure
        return request.secure or request.headers.get("X-Forwarded-Proto", "") == "https"

    def _first_untrusted(self, peer: Address, chain: Iterable[str]) -> Address:
        found = peer
        for hop in chain:
            if not self._trusts(found):
                return found
            address = _parse_address(hop)
            if address is None:  # Such as `unknown`: count the client as the proxy that wrote it.
                return found
            found = address
        return found

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _warn(self, peer: Address) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning(
                "a proxy that is not in trusted_proxies forwards requests: all its clients "
                "are counted as one address",
                extra={"context": {"proxy": str(peer)}},
            )


def rate_limit_key(address: str) -> str:
    """The rate-limiting key of an address: itself for IPv4, its /64 for IPv6."""
    parsed = _parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, IPV6_PREFIX_BITS), strict=False))
    return str(parsed or UNKNOWN)


def network_of(address: str) -> str:
    """The /24 or /48 of an address: one attacker often controls all of it."""
    parsed = _parse_address(address)
    if parsed is None:
        return UNKNOWN
    bits = IPV6_NETWORK_BITS if isinstance(parsed, IPv6Address) else IPV4_NETWORK_BITS
    return str(ip_network((parsed, bits), strict=False))


def _forwarded_for(request: web.Request) -> list[str]:
    """The hops of X-Forwarded-For, nearest first."""
    return _list_items(request, "X-Forwarded-For")


def _forwarded(request: web.Request) -> list[str]:
    """The hops of Forwarded (RFC 7239), nearest first; UNKNOWN for an element without `for`."""
    return [_for_parameter(element) for element in _list_items(request, "Forwarded")]


def _for_parameter(element: str) -> str:
    for pair in element.split(";"):
        name, _, value = pair.partition("=")
        if name.strip().lower() == "for":
            return value.strip()
    return UNKNOWN


def _list_items(request: web.Request, header: str) -> list[str]:
    """The items of a list header, last first.

    Commas inside quotes also separate items, since no address contains one. Otherwise a client's
    unclosed quote would swallow the items that the proxy appends.
    """
    joined = ",".join(request.headers.getall(header, []))
    return [item.strip() for item in reversed(joined.split(","))] if joined else []


def _parse_address(text: str) -> Address | None:
    """Parse an address as proxies write it: with a port, brackets or a zone."""
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
