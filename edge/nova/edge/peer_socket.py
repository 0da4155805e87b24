"""What the kernel knows of the program at the other end of a connection (Linux)."""

from __future__ import annotations

import socket
import struct

TCP_STATE_CLOSED = 7
TCP_STATE_CLOSE_WAIT = 8
_INFO_OPTION = getattr(socket, "TCP_INFO", None)

_FAMILY_NETLINK = getattr(socket, "AF_NETLINK", None)
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = 1
_ANY = 0xFFFFFFFF
_MESSAGE_HEAD = struct.Struct("=IHHII")
_REQUEST_HEAD = struct.Struct("=BBBBI")
_PORTS = struct.Struct("!HH")
_INTERFACE_AND_COOKIE = struct.Struct("=III")
_INODE = struct.Struct("=I")
_INODE_OFFSET = _MESSAGE_HEAD.size + 68
_ANSWER_MAX_BYTES = 4_096


def has_peer_ended(sock: socket.socket) -> bool:
    """Whether the other end will send nothing more, whether or not it still reads."""
    return _state(sock) in (TCP_STATE_CLOSED, TCP_STATE_CLOSE_WAIT)


def has_peer_gone(sock: socket.socket) -> bool:
    """Whether nobody reads at the other end any more. A program of this machine that has closed
    its socket is known at once; of another machine only what the network has said so far.
    """
    return _state(sock) == TCP_STATE_CLOSED or _is_orphan(sock)


def _state(sock: socket.socket) -> int | None:
    if _INFO_OPTION is None or sock.fileno() < 0:
        return None
    return sock.getsockopt(socket.IPPROTO_TCP, _INFO_OPTION, 1)[0]


def _is_orphan(sock: socket.socket) -> bool:
    """Whether the kernel keeps the other end without a program that has it open."""
    if _FAMILY_NETLINK is None:
        return False
    try:
        request = _question(sock)
        with socket.socket(_FAMILY_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.setblocking(False)  # The answer is there when the question is sent.
            kernel.send(request)
            answer = kernel.recv(_ANSWER_MAX_BYTES)
    except OSError:
        return False
    if _MESSAGE_HEAD.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
        return False
    inode: int = _INODE.unpack_from(answer, _INODE_OFFSET)[0]
    return inode == 0


def _question(sock: socket.socket) -> bytes:
    """Ask for the socket whose own address is this one's peer, and the other way round. It is not
    found if it is another machine's.
    """
    own, peer = sock.getsockname(), sock.getpeername()
    interface = peer[3] if len(peer) > 2 else 0
    body = b"".join(
        (
            _REQUEST_HEAD.pack(sock.family, socket.IPPROTO_TCP, 0, 0, _ANY),
            _PORTS.pack(peer[1], own[1]),
            *(_packed(sock.family, one[0]) for one in (peer, own)),
            _INTERFACE_AND_COOKIE.pack(interface, _ANY, _ANY),
        )
    )
    size = _MESSAGE_HEAD.size + len(body)
    return _MESSAGE_HEAD.pack(size, _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + body


def _packed(family: int, address: str) -> bytes:
    return socket.inet_pton(family, address.partition("%")[0]).ljust(16, b"\0")
