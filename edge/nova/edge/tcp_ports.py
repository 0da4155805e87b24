"""Whether this process could listen at an address and port."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from nova.sdk.errors import ProtocolError

_REASONS = {
    errno.EADDRINUSE: (
        "portTaken",
        "port {port} of {bind} is taken by another program: choose another port",
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
    """Raise ProtocolError `badStream` unless `bind` is an IP address."""
    try:
        ip_address(bind)
    except ValueError:
        raise ProtocolError(
            "badStream",
            f"bind {bind[:64]!r} is not an IP address: use 127.0.0.1 for this machine only, or "
            "0.0.0.0 for all of its addresses",
        ) from None


def check_port(bind: str, port: int) -> None:
    """Raise ProtocolError with the reason if nothing can listen at this address and port now."""
    check_address(bind)
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
            probe.listen(1)
        except OSError as error:
            code, text = _REASONS.get(
                error.errno or 0, ("portTaken", "cannot listen on {bind}:{port}: {why}")
            )
            why = error.strerror or str(error)
            raise ProtocolError(code, text.format(bind=bind, port=port, why=why)) from None
