"""Links to the MCAP files of exports, for viewers that read parts of a remote file and send no
token.

A link names its file by 256 random bits. It is valid for a while, as long as its export is kept and
its principal may have it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import hdrs, web

from nova.edge.access import Access
from nova.edge.byte_range import RangeNotSatisfiableError, requested_range
from nova.edge.download_folder import ExportCutError
from nova.edge.errors import AccessError
from nova.edge.export_downloads import ExportDownloads, damaged
from nova.edge.export_services import ExportServices
from nova.edge.file_sender import FileSender
from nova.edge.http_admission import bearer_token
from nova.edge.read_api.cross_origin import LINKS_PREFIX, CrossOrigin
from nova.edge.replies import NO_STORE, error_reply, json_reply, rate_limit_reply
from nova.edge.same_origin import is_foreign_origin
from nova.edge.stored_members import Span, stored_members
from nova.sdk import timestamps
from nova.sdk.errors import RateLimitError
from nova.sdk.protocol.export_links import ExportLink, ExportLinks

SUFFIX = ".mcap"
KEY_BYTES = 32
NO_MCAP = "this export has no MCAP file: export it with the driver mcap"
NO_LINK = "this link does not exist or has expired: make another"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    """What one key opens. `version` is that of the zip in which the spans are."""

    access: Access
    export_id: str
    version: tuple[int, int, int]
    spans: dict[str, Span]
    expires_s: float
    recorded: set[str] = field(default_factory=set)


class ExportLinkRoutes:
    """The links that this edge has given out since it started."""

    def __init__(
        self,
        downloads: ExportDownloads,
        services: ExportServices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._downloads = downloads
        self._check = services.authorizer.check_without_session
        self._sender = FileSender(self._check, services.limits)
        self._request_limits = services.request_limits
        self._limits = services.limits
        self._clock = clock
        self._links: dict[str, _Link] = {}

    def add_to(self, app: web.Application, cross_origin: CrossOrigin) -> None:
        app.router.add_post("/exports/{id}/links", self.post)
        path = LINKS_PREFIX + "{key}/{path:.+}"
        app.router.add_get(path, self.get)
        if cross_origin.is_open:
            app.router.add_route(hdrs.METH_OPTIONS, path, cross_origin.preflight)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Make links to the MCAP files of an export."""
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", "this edge did not serve this page")
        access = self._downloads.admit(bearer_token(request))
        if isinstance(access, web.Response):
            return access
        export_id = request.match_info["id"]
        opened = self._downloads.open(access, export_id)
        if isinstance(opened, web.Response):
            return opened
        with os.fdopen(opened, "rb", buffering=0):
            try:
                spans = await asyncio.to_thread(stored_members, opened, SUFFIX)
            except ExportCutError as error:
                return damaged(export_id, error)
            version = _version(opened)
        if not spans:
            return error_reply(404, "notFound", NO_MCAP)
        await self._downloads.record(request, access, export_id, "link")
        return json_reply(200, self._add(access, export_id, version, spans))

    def _add(
        self,
        access: Access,
        export_id: str,
        version: tuple[int, int, int],
        spans: dict[str, Span],
    ) -> ExportLinks:
        self._remove_old(access)
        key = secrets.token_urlsafe(KEY_BYTES)
        self._links[key] = _Link(
            access=access,
            export_id=export_id,
            version=version,
            spans=spans,
            expires_s=self._clock() + self._limits.export_link_s,
        )
        return ExportLinks(
            expires_at=timestamps.text(timestamps.now() + self._limits.export_link_s * 10**9),
            links=[
                ExportLink(path=path, bytes=stop - start, url=f"{LINKS_PREFIX}{key}/{quote(path)}")
                for path, (start, stop) in sorted(spans.items())
            ],
        )

    def _remove_old(self, access: Access) -> None:
        """Remove expired links, and of a principal's own the oldest that are too many."""
        now_s = self._clock()
        self._links = {key: one for key, one in self._links.items() if one.expires_s > now_s}
        principal = (access.kind, access.principal_id)
        own = [
            key
            for key, one in self._links.items()
            if (one.access.kind, one.access.principal_id) == principal
        ]
        for key in own[: max(0, len(own) - self._limits.export_links_max + 1)]:
            del self._links[key]

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send a file, or the range of it that the request names."""
        path = request.match_info["path"]
        link = self._find(request.match_info["key"])
        if link is None or path not in link.spans:
            return error_reply(404, "notFound", NO_LINK)
        try:
            self._request_limits.spend(link.access, "query")
        except RateLimitError as error:
            return rate_limit_reply(error)
        opened = self._downloads.open(link.access, link.export_id)
        if isinstance(opened, web.Response):
            return opened
        with os.fdopen(opened, "rb", buffering=0):
            if _version(opened) != link.version:
                return damaged(link.export_id, ExportCutError("the file of this export changed"))
            if request.method == hdrs.METH_GET and path not in link.recorded:
                link.recorded.add(path)
                await self._downloads.record(request, link.access, link.export_id, "download")
            return await self._send(request, link, path, opened)

    def _find(self, key: str) -> _Link | None:
        """The link of a key that is still valid."""
        link = self._links.get(key)
        if link is None or link.expires_s <= self._clock():
            return None
        try:
            self._check(link.access)
        except AccessError:
            return None
        return link

    async def _send(
        self, request: web.Request, link: _Link, path: str, descriptor: int
    ) -> web.StreamResponse:
        start, stop = link.spans[path]
        size = stop - start
        etag = '"{:x}-{:x}-{:x}-{:x}-{:x}"'.format(*link.version, start, size)
        headers = {**NO_STORE, hdrs.ACCEPT_RANGES: "bytes", hdrs.ETAG: etag}
        try:
            part = requested_range(request, size, etag)
        except RangeNotSatisfiableError:
            beyond = {**headers, hdrs.CONTENT_RANGE: f"bytes */{size}"}
            message = f"the range is empty, or begins beyond the {size} bytes of the file"
            return error_reply(416, "rangeNotSatisfiable", message, beyond)
        if part is not None:
            headers[hdrs.CONTENT_RANGE] = f"bytes {part[0]}-{part[1] - 1}/{size}"
        response = web.StreamResponse(status=200 if part is None else 206, headers=headers)
        response.content_type = "application/octet-stream"
        first, last = part or (0, size)
        span = (start + first, start + last)
        return await self._sender.send(request, response, link.access, descriptor, span)


def _version(descriptor: int) -> tuple[int, int, int]:
    """What differs once a file was written again or replaced."""
    found = os.fstat(descriptor)
    return found.st_ino, found.st_size, found.st_mtime_ns


def add_export_routes(
    app: web.Application, services: ExportServices, cross_origin: CrossOrigin
) -> None:
    """Serve exports as zips, and the MCAP files in them by links."""
    downloads = ExportDownloads(services)
    downloads.add_to(app)
    ExportLinkRoutes(downloads, services).add_to(app, cross_origin)
