"""Connections of aiohttp that end: because a peer leaves, or because this process closes them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web

CLOSE_TIMEOUT_S = 1.0

PEER_CREDENTIALS = struct.Struct("3i")
"""Process, user and group id of the peer of a Unix socket, as Linux's SO_PEERCRED returns them."""

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def departures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: a client that goes before it has its reply is no failure of the server."""
    try:
        return await handler(request)
    except ConnectionError:
        if request.transport is not None and not request.transport.is_closing():
            raise
        log.debug("a client has gone before its reply", extra={"context": {"path": request.path}})
        # aiohttp drops the reply, because the connection is closed.
        return web.Response()


async def send_text(
    socket: web.WebSocketResponse[bool] | ClientWebSocketResponse[bool], frame: bytes
) -> None:
    """Send a text frame; cancelling the caller does not cancel the write.

    aiohttp lets all waiting senders share one future. Cancelling it would cancel the next sender
    too, and the client of that one would wait for ever.
    """
    rest = begin_text(socket, frame)
    # Others have their turn, however fast the peer reads.
    await (asyncio.sleep(0) if rest is None else asyncio.shield(rest))


def begin_text(
    socket: web.WebSocketResponse[bool] | ClientWebSocketResponse[bool],
    frame: bytes,
    window_bits: int | None = None,
) -> asyncio.Task[None] | None:
    """Write a text frame, compressed if there are `window_bits`; returns what is left to wait for
    if the peer has no room for it, or the compression takes long.
    """
    return begin(socket.send_frame(frame, WSMsgType.TEXT, window_bits))


async def finish_alone(sending: Coroutine[Any, Any, None]) -> None:
    """Run a send at once; cancelling the caller does not cancel what is left of it."""
    rest = begin(sending)
    if rest is not None:
        await asyncio.shield(rest)


def begin(sending: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
    """Run a send until it has to wait; returns the task of the rest, None if nothing is left.
    Nearly every frame finds room and needs no task.
    """
    try:
        awaited = _step(sending)
    except StopIteration:
        return None
    rest = asyncio.ensure_future(_continued(sending, awaited))
    rest.add_done_callback(_retrieve_error)
    return rest


async def _continued(sending: Coroutine[Any, Any, None], awaited: Any) -> None:
    """Run a coroutine that has begun to its end; `awaited` is the future that it awaits, None if it
    only yielded.
    """
    while True:
        if awaited is None:
            await asyncio.sleep(0)
        else:
            await asyncio.wait((awaited,))
        try:
            awaited = _step(sending)
        except StopIteration:
            return


def _step(sending: Coroutine[Any, Any, None]) -> Any:
    """Run a coroutine to what it awaits next, and accept that as asyncio's tasks do, so that others
    may await it too.
    """
    awaited = sending.send(None)
    if asyncio.isfuture(awaited):
        awaited._asyncio_future_blocking = False  # noqa: SLF001 - how asyncio marks one awaited
    return awaited


def _retrieve_error(sending: asyncio.Future[None]) -> None:
    """Retrieve the error of a frame whose sender was cancelled; its client has disconnected."""
    if not sending.cancelled():
        sending.exception()


async def close_all(connections: Mapping[web.WebSocketResponse, web.Request]) -> None:
    """Close connections with a close frame, and abort after CLOSE_TIMEOUT_S those that do not
    answer: a closing handshake would wait for ever behind bytes that the peer does not read.
    """
    requests = list(connections.values())
    polite = (peer.close(code=WSCloseCode.GOING_AWAY) for peer in list(connections))
    closing = asyncio.gather(*polite, return_exceptions=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await asyncio.shield(closing)
    for request in requests:
        abort(request)
    await closing


def abort(request: web.Request) -> None:
    """End a connection at once and discard its unsent bytes."""
    if request.transport is not None:
        request.transport.abort()


def cut(socket_: ClientWebSocketResponse[bool]) -> None:
    """End a client's connection at once; a closing handshake would wait for a hung peer."""
    raw = socket_.get_extra_info("socket")
    if raw is not None:
        with contextlib.suppress(OSError):
            raw.shutdown(socket.SHUT_RDWR)


def describe_peer(request: web.Request) -> str:
    """A description of the peer for operators: its process id, or else its address and port."""
    transport, option = request.transport, getattr(socket, "SO_PEERCRED", None)
    peer = None if transport is None else transport.get_extra_info("socket")
    if peer is not None and peer.family == socket.AF_UNIX and option is not None:
        with contextlib.suppress(OSError):
            found = peer.getsockopt(socket.SOL_SOCKET, option, PEER_CREDENTIALS.size)
            return f"of process {PEER_CREDENTIALS.unpack(found)[0]}"
    name = None if transport is None else transport.get_extra_info("peername")
    return f"at {name[0]}:{name[1]}" if isinstance(name, tuple) else "of this machine"
