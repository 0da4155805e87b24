"""What the gateway forwards to an edge: reads over HTTP, and the live messages of a WebSocket."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import aiohttp
import msgspec
from aiohttp import WSMsgType, web

from nova.sdk import request_id
from nova.sdk.background_task import run_until_first
from nova.sdk.errors import NovaError
from nova.sdk.reading.http_headers import NEXT_KEY_HEADER

TIMEOUT_S = 60.0
CHUNK_BYTES = 64 * 1024
FRAME_MAX_BYTES = 64 * 1024 * 1024
SENT_ON = ("Accept", "Accept-Encoding", "If-None-Match")
GIVEN_BACK = (
    "Cache-Control",
    "Content-Encoding",
    "Content-Type",
    "ETag",
    NEXT_KEY_HEADER,
    request_id.HTTP_HEADER,
    "Retry-After",
    "Vary",
)
LIVE_MESSAGES = frozenset({"startStream", "cancelStream", "followAlarms", "unfollowAlarms"})
"""Messages that only read; whatever role the key has, no other is forwarded."""

NOT_FORWARDED = "this gateway forwards only " + ", ".join(sorted(LIVE_MESSAGES))

log = logging.getLogger(__name__)


class _Named(msgspec.Struct):
    type: str


class EdgeForward:
    """One edge, read with one token that no page gets."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._base = url.rstrip("/")
        self._token = token

    async def check(self) -> None:
        """Raise NovaError unless the edge answers this token."""
        try:
            async with self._session.get(
                f"{self._base}/api/v1/status", headers=self._authorization()
            ) as reply:
                status = reply.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise NovaError(f"the edge at {self._base} does not answer: {error}") from None
        if status in (401, 403):
            raise NovaError(f"the edge at {self._base} refuses the token ({status})")

    async def read(self, request: web.Request) -> web.StreamResponse:
        """The edge's answer to a GET of the same path, as it comes."""
        sent = {name: request.headers[name] for name in SENT_ON if name in request.headers}
        url = f"{self._base}{request.rel_url.raw_path_qs}"
        try:
            async with self._session.get(
                url,
                headers=sent | self._authorization(),
                timeout=aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_S),
                allow_redirects=False,
            ) as reply:
                return await _given_back(request, reply)
        except (TimeoutError, aiohttp.ClientConnectionError) as error:
            log.warning("the edge does not answer", extra={"context": {"error": str(error)}})
            raise web.HTTPServiceUnavailable(
                headers={"Retry-After": "1"}, text="the edge does not answer\n"
            ) from None

    async def follow(self, request: web.Request) -> web.WebSocketResponse:
        """The live messages of a page and the edge's replies, on a connection with the token."""
        page = web.WebSocketResponse(heartbeat=TIMEOUT_S)
        await page.prepare(request)
        try:
            async with self._session.ws_connect(
                f"{self._base}/ws", max_msg_size=FRAME_MAX_BYTES
            ) as edge:
                await self._log_in(edge)
                await run_until_first(_to_edge(page, edge), _to_page(edge, page))
        except (TimeoutError, aiohttp.ClientError, NovaError) as error:
            log.warning("no live values", extra={"context": {"error": str(error)}})
        await page.close()
        return page

    async def _log_in(self, edge: aiohttp.ClientWebSocketResponse) -> None:
        await edge.send_str(msgspec.json.encode({"type": "auth", "token": self._token}).decode())
        async with asyncio.timeout(TIMEOUT_S):
            reply = await edge.receive()
        if reply.type != WSMsgType.TEXT or _type_of(reply.data) != "authenticated":
            raise NovaError("the edge refuses the token")

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


async def _given_back(request: web.Request, reply: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = {name: reply.headers[name] for name in GIVEN_BACK if name in reply.headers}
    answer = web.StreamResponse(status=reply.status, headers=headers)
    answer.content_length = reply.content_length
    await answer.prepare(request)
    async for chunk in reply.content.iter_chunked(CHUNK_BYTES):
        await answer.write(chunk)
    await answer.write_eof()
    return answer


async def _to_edge(page: web.WebSocketResponse, edge: aiohttp.ClientWebSocketResponse) -> None:
    async for message in page:
        if message.type != WSMsgType.TEXT:
            return
        if _type_of(message.data) in LIVE_MESSAGES:
            await edge.send_str(message.data)
        else:
            refusal = {"type": "error", "code": "forbidden", "message": NOT_FORWARDED}
            await page.send_str(msgspec.json.encode(refusal).decode())


async def _to_page(edge: aiohttp.ClientWebSocketResponse, page: web.WebSocketResponse) -> None:
    async for message in edge:
        if message.type != WSMsgType.TEXT:
            return
        with suppress(ConnectionResetError):
            await page.send_str(message.data)


def _type_of(frame: str) -> str:
    """The type of a message; empty if it has none."""
    try:
        return msgspec.json.decode(frame, type=_Named).type
    except msgspec.MsgspecError:
        return ""
