"""Requests to another process of NOVA over a WebSocket, matched with their replies by `ref`."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from aiohttp import ClientWebSocketResponse, WSMsgType

from nova.sdk.channel import ChannelError, FrameCodec
from nova.sdk.connection_ends import finish_alone
from nova.sdk.pending_replies import PendingReplies


class ReferredReply(Protocol):
    """A reply with the `ref` of its request."""

    ref: int


ReplyT = TypeVar("ReplyT", bound=ReferredReply)

Connect = Callable[[], Awaitable[ClientWebSocketResponse[bool]]]


class RequestSocket(Generic[ReplyT]):
    """One connection, shared by concurrent requests. The first request opens it, and the next one
    after it was lost opens another.
    """

    def __init__(
        self,
        connect: Connect,
        replies: FrameCodec[ReplyT],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._connect = connect
        self._replies = replies
        self._on_lost = on_lost
        self._refs = itertools.count(1)
        self._connecting = asyncio.Lock()
        self._connection: _OpenSocket[ReplyT] | None = None
        self._is_closed = False

    def next_ref(self) -> int:
        """A `ref` for one request."""
        return next(self._refs)

    async def ensure_connected(self) -> _OpenSocket[ReplyT]:
        """Connect unless there is a connection; raises what `connect` raises."""
        async with self._connecting:
            if self._connection is None or self._connection.has_ended:
                self._connection = _OpenSocket(
                    await self._connect(), self._replies, self._on_connection_lost
                )
        return self._connection

    async def request(self, ref: int, frame: bytes) -> ReplyT:
        """Send a request and wait for its reply. Raises what `connect` raises, ChannelError if the
        peer closes the connection first, and OSError or aiohttp's ClientError if it breaks. It may
        be cancelled, as by a deadline; other requests do not notice.
        """
        connection = await self.ensure_connected()
        reply = connection.pending.expect(ref)
        try:
            await connection.send(frame)
            return await reply
        finally:
            connection.pending.forget(ref)

    def _on_connection_lost(self, lost: _OpenSocket[ReplyT]) -> None:
        if lost is self._connection and not self._is_closed:
            self._on_lost()

    async def close(self) -> None:
        """Close the connection; pending requests fail."""
        self._is_closed = True
        if self._connection is not None:
            await self._connection.close()


class _OpenSocket(Generic[ReplyT]):
    """One connection with its pending requests; they fail with it, and those of no other do."""

    def __init__(
        self,
        socket: ClientWebSocketResponse[bool],
        replies: FrameCodec[ReplyT],
        on_lost: Callable[[_OpenSocket[ReplyT]], None],
    ) -> None:
        self.socket = socket
        self.pending: PendingReplies[ReplyT] = PendingReplies()
        self._replies = replies
        self._on_lost = on_lost
        self._listener = asyncio.create_task(self._listen())

    @property
    def has_ended(self) -> bool:
        return self.socket.closed or self._listener.done()

    async def send(self, frame: bytes) -> None:
        """Send a frame, in the order of the calls; it is sent whole if the caller is cancelled.
        Raises OSError or aiohttp's ClientError.
        """
        await finish_alone(self.socket.send_bytes(frame))

    async def close(self) -> None:
        await self.socket.close()
        await asyncio.wait((self._listener,))

    async def _listen(self) -> None:
        reason = "the connection was closed before the reply"
        try:
            async for message in self.socket:
                if message.type is not WSMsgType.BINARY:
                    raise ChannelError("a reply is a binary frame")
                reply = self._replies.decode(message.data)
                self.pending.resolve(reply.ref, reply)
        except ChannelError as error:
            reason = f"the peer is not a NOVA of this version: {error}"
            await self.socket.close()
        finally:
            self.pending.fail(ChannelError(reason))
            self._on_lost(self)
