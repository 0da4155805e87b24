"""Which addresses of this machine have a program that listens on a port (Linux)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_STATE_LISTEN = "0A"
_WORD_DIGITS = 8
_Address = IPv4Address | IPv6Address


def listens_beside(bind: str, port: int, held: str) -> bool:
    """Whether somebody listens on a port where `bind` would, at another address than `held`."""
    wanted, own = ip_address(bind), ip_address(held)
    own_packed = own.packed
    return any(
        one.packed != own_packed and _overlap(wanted, one) for one in _listening_addresses(port)
    )


def _overlap(wanted: _Address, other: _Address) -> bool:
    """Whether not both can be listened on. One that listens on all IPv6 addresses may have those
    of IPv4 too.
    """
    if wanted.version == other.version:
        either_all = wanted.is_unspecified or other.is_unspecified
        return either_all or wanted.packed == other.packed
    return other.version == 6 and other.is_unspecified


def _listening_addresses(port: int) -> Iterator[_Address]:
    for table in TABLES:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                address, _, local_port = local.partition(":")
                if state == _STATE_LISTEN and int(local_port, 16) == port:
                    yield _address(address)


def _address(digits: str) -> _Address:
    """An address as the kernel prints it: words of 32 bits in the machine's order."""
    words = (digits[at : at + _WORD_DIGITS] for at in range(0, len(digits), _WORD_DIGITS))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    address = ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped
