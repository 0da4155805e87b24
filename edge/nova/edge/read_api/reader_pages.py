"""A request of the HTTP API to the reader, page by page, on a connection of its own."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from nova.edge.access import Access
from nova.edge.core_link import CORE_UNAVAILABLE
from nova.edge.identity_headers import identity_headers
from nova.edge.read_api.reply_page import ReplyPage
from nova.edge.upstream import Upstream
from nova.sdk import request_id
from nova.sdk.client.retry_policy import BUSY_LIMIT_S, UNAVAILABLE_LIMIT_S, Retries
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import messages
from nova.sdk.protocol.error_codes import error_of_reply
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.messages import REQUEST_MAX_BYTES, Error

_ERROR_PREFIX = b'{"type":"error"'
UNAVAILABLE = "coreUnavailable"

log = logging.getLogger(__name__)


class ReaderPages:
    """What the reader replies to a principal. The connection ends with the block, and with it
    whatever the reader still does for it.
    """

    def __init__(self, upstream: Upstream, access: Access) -> None:
        self._upstream = upstream
        self._access = access
        self._id = uuid.uuid4().hex
        self._connects = 0
        self._frames: AsyncIterator[bytes] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._upstream.close()

    def drop(self) -> None:
        """The reader hangs: the request that waits for it fails."""
        self._upstream.drop()

    async def ask(self, request: Message) -> ReplyPage:
        """One page; raises ProtocolError, also if the reader is away."""
        frame = messages.encode(request)
        if len(frame) > REQUEST_MAX_BYTES:
            raise ProtocolError(
                "requestTooLarge",
                f"the request has {len(frame)} bytes, the limit is {REQUEST_MAX_BYTES}: shorten it",
            )
        reply = await self._exchange(frame)
        if reply.startswith(_ERROR_PREFIX):
            error = messages.decode_reply(reply)
            assert isinstance(error, Error)
            log.info("request refused by the Core", extra={"context": {"code": error.code}})
            raise error_of_reply(error)
        return ReplyPage(request, reply)

    async def ask_again(self, request: Message) -> ReplyPage:
        """A page of an answer that has begun: what is transient is repeated, as a client does."""
        retries = Retries(request, BUSY_LIMIT_S, UNAVAILABLE_LIMIT_S)
        while True:
            try:
                return await self.ask(request)
            except ProtocolError as error:
                after_s = error.retry_after_s
                refused = Error(
                    code=error.code,
                    message=error.message,
                    retry_after_ms=None if after_s is None else round(after_s * 1_000),
                )
                if not await retries.after_error(refused):
                    raise

    async def _exchange(self, frame: bytes) -> bytes:
        if self._frames is None or not self._upstream.is_connected:
            await self._connect()
        number = self._upstream.sent + 1
        request_id.current.set(request_id.forwarded_id(self._name, number))
        reply = None
        if self._frames is not None and await self._upstream.send(frame):
            reply = await anext(self._frames, None)
        if reply is None:
            await self._upstream.close()
            raise ProtocolError(UNAVAILABLE, CORE_UNAVAILABLE)
        return reply

    async def _connect(self) -> None:
        self._connects += 1
        self._frames = None
        if await self._upstream.connect(identity_headers(self._access, self._name)):
            self._frames = self._upstream.frames()

    @property
    def _name(self) -> str:
        return f"{self._id}-{self._connects}"
