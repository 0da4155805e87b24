"""The principal of a connection: an edge's client, named in headers, or a local process."""

from __future__ import annotations

import os
import socket
import struct
from typing import cast, get_args
from urllib.parse import unquote

from aiohttp import web

from nova.core.query.visibility import Visibility
from nova.core.submission_messages import LOCAL_CONNECTION, Principal
from nova.sdk import unix_user
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import FRAME_MAX_BYTES, REQUEST_MAX_BYTES
from nova.sdk.protocol.submission import (
    CONNECTION_HEADER,
    KIND_HEADER,
    LANES_HEADER,
    REPLAYING_HEADER,
    ROLE_HEADER,
    SCOPES_HEADER,
    USER_HEADER,
    Role,
)

ROOT_USER_ID = 0

_PEER = struct.Struct("3i")
_PEER_OPTION = getattr(socket, "SO_PEERCRED", None)


def principal_of(request: web.Request) -> Principal:
    """The principal of a new connection.

    The socket is in a folder that only its owner can enter. A connection without an edge's headers
    therefore belongs to the owner or root, and gets the role admin under its Unix user name.
    """
    headers = request.headers
    user = headers.get(USER_HEADER)
    if user is None:
        return Principal(
            unix_user.name_of(peer_user_id(request)), "admin", LOCAL_CONNECTION, kind="local"
        )
    role = headers.get(ROLE_HEADER, "")
    if role not in get_args(Role):
        raise web.HTTPBadRequest(reason=f"{ROLE_HEADER} is not one of {', '.join(get_args(Role))}")
    return Principal(
        unquote(user),
        cast(Role, role),
        headers.get(CONNECTION_HEADER, ""),
        REPLAYING_HEADER in headers,
        scopes=_names(headers.get(SCOPES_HEADER)),
        lanes=_lanes(headers.get(LANES_HEADER)),
        kind="key" if headers.get(KIND_HEADER) == "key" else "user",
    )


def is_of_instance(request: web.Request) -> bool:
    """Whether a request comes from a process of the instance's own Unix user, and from no client
    of an edge.
    """
    return USER_HEADER not in request.headers and peer_user_id(request) in (
        ROOT_USER_ID,
        os.getuid(),
    )


def visibility_of(principal: Principal) -> Visibility:
    """What a principal may see; the audit trail is for admins."""
    scopes, lanes = principal.scopes, principal.lanes
    return Visibility(
        None if scopes is None else frozenset(scopes),
        None if lanes is None else frozenset(lanes),
        sees_audit=principal.role == "admin",
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(filter(None, text.split(",")))


def _lanes(text: str | None) -> tuple[Lane, ...] | None:
    names = _names(text)
    if names is None:
        return None
    if unknown := set(names) - set(get_args(Lane)):
        raise web.HTTPBadRequest(reason=f"{LANES_HEADER} has unknown lanes: {sorted(unknown)}")
    return cast(tuple[Lane, ...], names)


def request_max_bytes(principal: Principal) -> int:
    """The largest accepted request in bytes: the edge's own limit for its clients; for local
    connections the frame limit, so that imports can submit events of any size.
    """
    return FRAME_MAX_BYTES if principal.connection == LOCAL_CONNECTION else REQUEST_MAX_BYTES


def peer_user_id(request: web.Request) -> int:
    """The id of the Unix user of the peer process; of this process where SO_PEERCRED does not
    exist.
    """
    transport = request.transport
    peer: socket.socket | None = transport.get_extra_info("socket") if transport else None
    if peer is None or _PEER_OPTION is None:
        return os.getuid()
    _, user_id, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, _PEER_OPTION, _PEER.size))
    return int(user_id)
