"""`/api/v1`: reads by HTTP. A route sends the message of its name and answers with the reply."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, get_args

import aiohttp
import msgspec
from aiohttp import hdrs, web

from nova.edge.access import Access
from nova.edge.authorization import Authorizer
from nova.edge.core_link import CORE_UNAVAILABLE
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError, ClientGoneError
from nova.edge.http_admission import HttpAdmission, bearer_token
from nova.edge.read_api.answer_slots import AnswerSlots
from nova.edge.read_api.answer_writer import COMPRESSED_MIN_BYTES, AnswerWriter
from nova.edge.read_api.cross_origin import PREFIX, CrossOrigin
from nova.edge.read_api.description import add_description
from nova.edge.read_api.encoder import Broken
from nova.edge.read_api.gathered import EventAt, Scopes, event_page, scopes_page
from nova.edge.read_api.http_read import HttpRead, http_read
from nova.edge.read_api.read_audit import ReadAudit
from nova.edge.read_api.reader_pages import UNAVAILABLE, ReaderPages
from nova.edge.read_api.reply_page import ReplyPage
from nova.edge.read_api.statuses import refusal
from nova.edge.request_limits import RequestLimits, kind_of
from nova.edge.unsent import UnsentFrames
from nova.edge.upstream import Upstream
from nova.sdk import request_id
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol import drain
from nova.sdk.protocol.message import Message
from nova.sdk.protocol.submission import Role
from nova.sdk.reading.http_headers import NEXT_KEY_HEADER
from nova.sdk.reading.read_requests import READ_REQUESTS

WHO = "reads are for users and keys"
ROUTES: Mapping[str, type[Message]] = {
    "scopes": Scopes,
    **READ_REQUESTS,
    "events/{id}": EventAt,
}
HEADERS: Mapping[str, str] = {
    hdrs.CACHE_CONTROL: "private, no-cache",
    hdrs.VARY: "Accept, Accept-Encoding, Authorization",
}

log = logging.getLogger(__name__)


class ReadServices(NamedTuple):
    """What the routes share with the other doors of an edge."""

    authorizer: Authorizer
    request_limits: RequestLimits
    limits: EdgeLimits
    reader: aiohttp.ClientSession
    reader_responding: asyncio.Event
    unsent: UnsentFrames
    is_draining: Callable[[], bool]
    audit: ReadAudit


class ReadRoutes:
    """Answers that are being sent, and the routes that begin them."""

    def __init__(self, services: ReadServices, cross_origin: CrossOrigin) -> None:
        self._services = services
        self._admission = HttpAdmission(services.authorizer, services.request_limits)
        self.cross_origin = cross_origin
        self._slots = AnswerSlots(services.limits)
        self._open: set[ReaderPages] = set()

    def add_to(self, app: web.Application) -> None:
        for name, kind in ROUTES.items():
            path = f"{PREFIX}{name}"
            app.router.add_get(path, partial(self._get, kind))
            if self.cross_origin.is_open:
                app.router.add_route(hdrs.METH_OPTIONS, path, self.cross_origin.preflight)
        add_description(app, ROUTES)
        app.on_response_prepare.append(self.cross_origin.add_headers)

    def drop_reader(self) -> None:
        """The reader hangs: what waits for it is answered, or ends."""
        for pages in self._open:
            pages.drop()

    async def _get(self, kind: type[Message], request: web.Request) -> web.StreamResponse:
        access = self._admission.identify(bearer_token(request), get_args(Role), WHO)
        if isinstance(access, web.Response):
            return access
        try:
            asked = await self._admitted(request, kind, access)
            with self._slots.taken(access) if asked.is_all else contextlib.nullcontext():
                return await self._answer(request, access, asked)
        except ProtocolError as error:
            return refusal(error)

    async def _admitted(
        self, request: web.Request, kind: type[Message], access: Access
    ) -> HttpRead:
        """What is asked for, counted and recorded, also if it is refused; raises ProtocolError."""
        limits, audit = self._services.request_limits, self._services.audit
        try:
            asked = http_read(request, kind)
        except ProtocolError:
            if audit.is_wanted(request):
                limits.spend(access, "query")
                await audit.record(request, access)
            raise
        limit = "stream" if asked.is_all else kind_of(asked.message)  # type: ignore[arg-type]
        limits.spend(access, limit)
        await audit.record(request, access)
        return asked

    async def _answer(
        self, request: web.Request, access: Access, asked: HttpRead
    ) -> web.StreamResponse:
        if not self._services.reader_responding.is_set():
            raise ProtocolError(UNAVAILABLE, CORE_UNAVAILABLE)
        upstream = Upstream(self._services.reader, self._services.limits)
        async with ReaderPages(upstream, access) as pages:
            self._open.add(pages)
            try:
                page = await _first_page(pages, asked.message, request)
                if not asked.is_all:
                    return await self._send_page(request, asked, page)
                return await _LongAnswer(self._services, request, access, asked, pages).send(page)
            finally:
                self._open.discard(pages)

    async def _send_page(
        self, request: web.Request, asked: HttpRead, page: ReplyPage
    ) -> web.StreamResponse:
        body = asked.encoder.whole(page)
        tag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
        headers: dict[str, str] = {**HEADERS, hdrs.ETAG: tag}
        if page.next_key is not None:
            following = request.rel_url.update_query(afterKey=page.next_key)
            headers |= {NEXT_KEY_HEADER: page.next_key, hdrs.LINK: f'<{following}>; rel="next"'}
        if is_known(tag, request.headers.get(hdrs.IF_NONE_MATCH, "")):
            return web.Response(status=304, headers=headers)
        response = web.StreamResponse(headers=headers)
        response.content_type = asked.encoder.media_type
        writer = AnswerWriter(request, response, self._services.limits, self._services.unsent)
        if len(body) < COMPRESSED_MIN_BYTES:
            writer.compresses = False
        if not writer.compresses:
            response.content_length = len(body)
        await writer.prepare()
        if request.method == hdrs.METH_GET:
            await writer.end(body)
        return response


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether a client has a tag: by RFC 9110 compared without W/, and * is any."""
    known = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return known == ["*"] or tag.removeprefix("W/") in known


async def _first_page(pages: ReaderPages, message: Message, request: web.Request) -> ReplyPage:
    if isinstance(message, Scopes):
        return await scopes_page(pages, message)
    if isinstance(message, EventAt):
        return await event_page(pages, message, request.match_info["id"])
    return await pages.ask(message)


class _LongAnswer:
    """An answer of all pages. While one is sent the next one is read, so two are in memory."""

    def __init__(
        self,
        services: ReadServices,
        request: web.Request,
        access: Access,
        asked: HttpRead,
        pages: ReaderPages,
    ) -> None:
        self._services = services
        self._request = request
        self._access = access
        self._encoder = asked.encoder
        self._pages = pages
        self._sent_key: str | None = None
        """The key behind which the client continues, if the answer breaks."""

    async def send(self, page: ReplyPage) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        response.content_type = self._encoder.media_type
        services = self._services
        writer = AnswerWriter(self._request, response, services.limits, services.unsent)
        await writer.prepare()
        if self._request.method != hdrs.METH_GET:
            return response
        try:
            await self._send_pages(writer, page)
            await writer.end(self._encoder.end())
        except ClientGoneError as error:
            log.info("answer aborted", extra={"context": {"reason": str(error)}})
        except ProtocolError as error:
            await self._break(writer, error)
        except AccessError as error:
            await self._break(writer, ProtocolError("unauthorized", str(error)))
        return response

    async def _send_pages(self, writer: AnswerWriter, page: ReplyPage) -> None:
        block = self._encoder.first(page)
        while page.next_key is not None:
            following = asyncio.create_task(self._read(page, page.next_key))
            try:
                await writer.write(block)
                self._sent_key = page.next_key
                page = await following
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
            block = self._encoder.further(page)
        await writer.write(block)

    async def _read(self, page: ReplyPage, key: str) -> ReplyPage:
        self._services.authorizer.check_principal(self._access)
        if self._services.is_draining():
            raise drain.refusal()
        request = msgspec.structs.replace(page.request)
        request.after_key = key  # type: ignore[attr-defined]
        return await self._pages.ask_again(request)

    async def _break(self, writer: AnswerWriter, error: ProtocolError) -> None:
        """Say in the answer why it ends, and where it continues."""
        log.info("answer broken", extra={"context": {"code": error.code}})
        broken = Broken(
            code=error.code,
            message=error.message,
            request_id=error.request_id or request_id.current.get() or None,
            after_key=self._sent_key,
        )
        with contextlib.suppress(ClientGoneError):
            await writer.cut(self._encoder.broken(broken))
