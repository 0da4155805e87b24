"""Framings of byte streams: how a reader finds where a message begins and ends."""

from __future__ import annotations

from collections.abc import Callable

from nova.sdk.protocol.tcp_streams import Framing

SLIP_END = b"\xc0"
SLIP_ESCAPE = b"\xdb"
SLIP_ESCAPED_END = b"\xdb\xdc"
SLIP_ESCAPED_ESCAPE = b"\xdb\xdd"

LENGTH_BYTES: dict[Framing, int] = {"length2": 2, "length4": 4}


def largest_message(framing: Framing) -> int | None:
    """The most bytes that a framed message can have; None for no limit."""
    size = LENGTH_BYTES.get(framing)
    return None if size is None else (1 << 8 * size) - 1


def _unframed(message: bytes) -> bytes:
    return message


def _with_newline(message: bytes) -> bytes:
    return message + b"\n"


def _with_length2(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def _with_length4(message: bytes) -> bytes:
    return len(message).to_bytes(4, "big") + message


def _slip(message: bytes) -> bytes:
    """RFC 1055, with END before the message too, which readers take for an empty one."""
    escaped = message.replace(SLIP_ESCAPE, SLIP_ESCAPED_ESCAPE)
    return SLIP_END + escaped.replace(SLIP_END, SLIP_ESCAPED_END) + SLIP_END


FRAMINGS: dict[Framing, Callable[[bytes], bytes]] = {
    "none": _unframed,
    "newline": _with_newline,
    "length2": _with_length2,
    "length4": _with_length4,
    "slip": _slip,
}
"""A message with its framing. Lengths are big-endian and count the message alone."""
