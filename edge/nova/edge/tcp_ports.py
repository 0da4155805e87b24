"""The sockets on which TCP streams listen, and whether this process could listen at an address and
port.
"""

from __future__ import annotations

import errno
import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from nova.edge.listening_ports import listens_beside
from nova.sdk.errors import ProtocolError

BACKLOG = 128
PREVIEW_CHARS = 64
_ZONE = re.compile(r"[!-~]{1,15}")
_ANY_PORT = 9
_BROADCAST = IPv4Address("255.255.255.255")

_REASONS = {
    errno.EADDRINUSE: (
        "portTaken",
        "port {port} of {bind} is taken by another program: stop it, or choose another port",
    ),
    errno.EACCES: (
        "portTaken",
        "port {port} is reserved by the operating system: choose one above 1023, or give NOVA the "
        "permission (CAP_NET_BIND_SERVICE)",
    ),
    errno.EADDRNOTAVAIL: (
        "badStream",
        "{bind} is not an address of this machine: use 127.0.0.1, 0.0.0.0 for all of its "
        "addresses, or one of them",
    ),
}


def check_address(bind: str) -> None:
    """Raise ProtocolError `badStream` unless `bind` is an IP address that a program can have."""
    shown = f"bind {bind[:PREVIEW_CHARS]!r}"
    try:
        address = ip_address(bind)
    except ValueError:
        raise ProtocolError(
            "badStream",
            f"{shown} is not an IP address: use 127.0.0.1 for this machine only, or "
            "0.0.0.0 for all of its addresses",
        ) from None
    if isinstance(address, IPv6Address):
        _check_ipv6(address, shown)
    if address.is_multicast or _is_broadcast(address):
        raise ProtocolError(
            "badStream",
            f"{shown} is the address of many machines, and no TCP client connects to it: use one "
            "of this machine's, or 0.0.0.0 for all of them",
        )


def _check_ipv6(address: IPv6Address, shown: str) -> None:
    if address.scope_id is not None and not _ZONE.fullmatch(address.scope_id):
        raise ProtocolError(
            "badStream",
            f"{shown} has a zone that no network interface can have: behind % write the "
            "interface's name or number, 1 to 15 visible ASCII characters",
        )
    if address.ipv4_mapped is not None:
        raise ProtocolError(
            "badStream", f"{shown} is an IPv4 address written as IPv6: use {address.ipv4_mapped}"
        )


def _is_broadcast(address: IPv4Address | IPv6Address) -> bool:
    """Whether the kernel sends to an address only with permission to broadcast. Nothing is sent."""
    if address.version == 6 or address == _BROADCAST:
        return address == _BROADCAST
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), _ANY_PORT))
        except PermissionError:
            return True
        except OSError:
            return False
    return False


def listening_socket(bind: str, port: int) -> socket.socket:
    """A socket that listens as a stream does: an IPv6 address serves IPv6 alone. Raises
    ProtocolError `badStream` for an address that is none, OSError if it cannot listen there.
    """
    check_address(bind)
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV | socket.AI_PASSIVE
    found = socket.getaddrinfo(bind.encode("ascii"), port, type=socket.SOCK_STREAM, flags=flags)
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def check_port(bind: str, port: int, held: str | None = None) -> None:
    """Raise ProtocolError with the reason if nothing can listen at this address and port now.
    `held` is another address at which the stream itself has the port until it changes.
    """
    try:
        listening_socket(bind, port).close()
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        if is_taken and held is not None and not listens_beside(bind, port, held):
            return
        raise cannot_listen(error, bind, port) from None


def cannot_listen(error: OSError, bind: str, port: int) -> ProtocolError:
    """The error with the reason why nothing can listen at an address and port."""
    is_unknown = isinstance(error, socket.gaierror)
    number = errno.EADDRNOTAVAIL if is_unknown else error.errno or 0
    code, text = _REASONS.get(number, ("portTaken", "cannot listen on {bind}:{port}: {why}"))
    why = error.strerror or str(error)
    return ProtocolError(code, text.format(bind=bind, port=port, why=why))
