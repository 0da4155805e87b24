"""The writer's WebSocket endpoint for submissions, which readers forward for their clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from aiohttp import WSMsgType, web

from nova.core import submission_messages
from nova.core.errors import RequestError
from nova.core.submission_messages import SubmissionReply, SubmissionRequest
from nova.core.writer.submission_handler import SubmissionHandler
from nova.sdk import log_context, request_id
from nova.sdk.channel import ChannelError
from nova.sdk.connection_ends import close_all
from nova.sdk.errors import NovaError
from nova.sdk.protocol import messages
from nova.sdk.protocol.drain import REFUSAL, SHUTTING_DOWN
from nova.sdk.protocol.messages import Error, Message

CONCURRENT_MAX = 256
"""Submissions of one reader in progress; further ones wait in its socket."""

log = logging.getLogger(__name__)


class SubmissionServer:
    """Serves the readers; submissions run concurrently."""

    def __init__(self, handler: SubmissionHandler) -> None:
        self._handler = handler
        self._running: set[asyncio.Task[None]] = set()
        self._connections: dict[web.WebSocketResponse, web.Request] = {}
        self._is_open = False
        self._is_draining = False

    def open(self) -> None:
        """Accept submissions from now on; call it once the commands that an earlier process left
        unfinished are ended.
        """
        self._is_open = True

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Handle one reader's connection."""
        if not self._is_open:
            raise web.HTTPServiceUnavailable(reason="the writer is starting")
        # aiohttp refuses a message that reaches this size; one of exactly the limit must pass.
        limit = submission_messages.FRAME_MAX_BYTES + 1
        socket = web.WebSocketResponse(compress=False, max_msg_size=limit)
        await socket.prepare(request)
        room = asyncio.Semaphore(CONCURRENT_MAX)
        self._connections[socket] = request
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                submitted = submission_messages.REQUESTS.decode(message.data)
                await room.acquire()
                task = asyncio.create_task(self._reply(socket, submitted))
                # A command that has begun is finished even if its reader disconnects.
                self._running.add(task)
                task.add_done_callback(self._running.discard)
                task.add_done_callback(lambda _: room.release())
        except ChannelError as error:
            log.error("submission cannot be decoded", extra={"context": {"error": str(error)}})
        finally:
            del self._connections[socket]
        return socket

    async def _reply(self, socket: web.WebSocketResponse, request: SubmissionRequest) -> None:
        request_id.current.set(request.request_id)
        ids = log_context.ids_of(request.submission)
        log_context.bind(user=request.principal.user, **ids)
        reply = await self._handle(request)
        frame = submission_messages.REPLIES.encode(
            SubmissionReply(request.ref, messages.encode(reply))
        )
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(frame)

    async def _handle(self, request: SubmissionRequest) -> Message:
        if self._is_draining:
            return Error(code=SHUTTING_DOWN, message=f"{REFUSAL}; nothing was recorded")
        try:
            return await self._handler.handle(
                request.principal, request.submission, request.received_s
            )
        except RequestError as error:
            log.info("submission refused", extra={"context": {"code": error.code}})
            return Error(code=error.code, message=error.message)
        except NovaError as error:
            log.error("submission failed", extra={"context": {"error": str(error)}})
            return Error(code="archive", message=str(error))
        except Exception:
            log.exception("submission failed")
            return Error(code="internal", message="the Core failed; see its log")

    async def drain(self) -> None:
        """Refuse new submissions and wait for those that run: each command is settled."""
        self._is_draining = True
        while self._running:
            await asyncio.wait(self._running)

    async def stop(self) -> None:
        """Cancel running submissions; the next process ends the commands that are recorded but not
        sent.
        """
        self._is_open = False
        await close_all(self._connections)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)
