"""Who asks on a connection: a client of an edge, as the edge says, or somebody on this machine."""

from __future__ import annotations

import getpass
import pwd
import socket
import struct
from typing import cast, get_args
from urllib.parse import unquote

from aiohttp import web

from core.submission import LOCAL_CONNECTION, Asker
from sdk.protocol import FRAME_MAX_BYTES, REQUEST_MAX_BYTES
from sdk.submission import (
    CONNECTION_HEADER,
    REPLAYING_HEADER,
    ROLE_HEADER,
    USER_HEADER,
    Role,
)

_PEER = struct.Struct("3i")
_PEER_OPTION = getattr(socket, "SO_PEERCRED", None)


def asker_of(request: web.Request) -> Asker:
    """The asker of a new connection.

    The socket lies in a folder that only its owner may enter, so who comes without an edge's word
    is an administrator of this machine, under the name of its user.
    """
    headers = request.headers
    user = headers.get(USER_HEADER)
    if user is None:
        return Asker(_local_user(request), "admin", LOCAL_CONNECTION)
    role = headers.get(ROLE_HEADER, "")
    if role not in get_args(Role):
        raise web.HTTPBadRequest(reason="the role is none")
    return Asker(
        unquote(user),
        cast(Role, role),
        headers.get(CONNECTION_HEADER, ""),
        REPLAYING_HEADER in headers,
    )


def request_max_bytes(asker: Asker) -> int:
    """The largest request that is read: of an edge's client what an edge reads of it, and whoever
    is on this machine may bring events of any size back.
    """
    return FRAME_MAX_BYTES if asker.connection == LOCAL_CONNECTION else REQUEST_MAX_BYTES


def _local_user(request: web.Request) -> str:
    """The user of the process at the other end, or of this one where that cannot be asked."""
    transport = request.transport
    peer: socket.socket | None = transport.get_extra_info("socket") if transport else None
    if peer is not None and _PEER_OPTION is not None:
        _, user_id, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, _PEER_OPTION, _PEER.size))
        try:
            return pwd.getpwuid(user_id).pw_name
        except KeyError:
            return str(user_id)
    return getpass.getuser()
