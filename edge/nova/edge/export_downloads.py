"""`/exports/{id}`: downloads of finished exports.

Programs send their token with each request. A browser cannot when it downloads by itself, so a
`POST` with the token sets a short-lived cookie that is valid for this one export.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import stat
from pathlib import Path

import msgspec
from aiohttp import web

from nova.edge.access import Access
from nova.edge.actor import actor_of
from nova.edge.audit_queue import AuditQueue
from nova.edge.authorization import Authorizer
from nova.edge.client_address import ClientAddresses
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError
from nova.edge.replies import NO_STORE, error_reply, rate_limit_reply
from nova.edge.request_limits import RequestLimits
from nova.edge.same_origin import is_foreign_origin
from nova.sdk import timestamps
from nova.sdk.errors import NovaError, RateLimitError, TimestampError
from nova.sdk.events.audit_entry import EXPORT_NAME_CHARS
from nova.sdk.field_types import JsonObject

EXPORT_ROLES = frozenset({"operator", "admin"})
EXPORT_COOKIE = "nova_export"
COOKIE_MAX_AGE_S = 120
BLOCK_BYTES = 256 * 1024
BEARER = "Bearer "

_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

log = logging.getLogger(__name__)


class _ExportInfo(msgspec.Struct, rename="camel"):
    expires_at: str
    bytes: int | None = None
    """The length of the zip; None if an older NOVA kept it."""


class ExportCutError(NovaError):
    """The zip of a kept export was changed on the disk."""


class ExportDownloads:
    """Serves the finished exports of a folder that the reader writes."""

    def __init__(
        self,
        folder: Path,
        authorizer: Authorizer,
        request_limits: RequestLimits,
        limits: EdgeLimits,
        addresses: ClientAddresses,
        audit: AuditQueue,
    ) -> None:
        self._request_limits = request_limits
        self._audit = audit
        self._folder = folder
        self._addresses = addresses
        self._authorizer = authorizer
        self._limits = limits

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Set the cookie that authorizes the browser's download."""
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", "this edge did not serve this page")
        token = _bearer(request)
        admitted = self._authorize(token)
        if isinstance(admitted, web.Response):
            return admitted
        response = web.Response(status=204, headers=NO_STORE)
        response.set_cookie(
            EXPORT_COOKIE,
            token,
            max_age=COOKIE_MAX_AGE_S,
            path=request.path,
            httponly=True,
            samesite="Strict",
            secure=self._addresses.is_secure(request),
        )
        return response

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Send the zip file of an export."""
        access = self._authorize(_bearer(request) or request.cookies.get(EXPORT_COOKIE, ""))
        if isinstance(access, web.Response):
            return access
        export_id = request.match_info["id"]
        try:
            opened = self._open(export_id) if _ID.fullmatch(export_id) else None
        except ExportCutError as error:
            log.error("export damaged", extra={"context": {"id": export_id, "why": str(error)}})
            return error_reply(410, "exportDamaged", f"{error}: export it again")
        if opened is None:
            return error_reply(404, "notFound", "this export does not exist or has expired")
        with os.fdopen(opened, "rb", buffering=0) as file:
            if request.method == "GET":
                self._record(request, access, export_id)
            return await self._send(request, access, export_id, file.fileno())

    def _record(self, request: web.Request, access: Access, export_id: str) -> None:
        details: JsonObject = {
            "action": "download",
            "export": export_id[:EXPORT_NAME_CHARS],
            "address": self._addresses.client_of(request),
        }
        self._audit.append("ExportRequested", actor_of(access), details)

    def _authorize(self, token: str) -> Access | web.Response:
        """The access of a principal that may download exports, else the error reply."""
        try:
            access = self._authorizer.authorize(token)
        except AccessError:
            return error_reply(401, "unauthorized", "log in and send the token")
        if access.role not in EXPORT_ROLES:
            return error_reply(403, "forbidden", "exports are for operators and administrators")
        try:
            self._request_limits.spend(access, "http")
        except RateLimitError as error:
            return rate_limit_reply(error)
        return access

    def _open(self, export_id: str) -> int | None:
        """Open the zip of an unexpired export; returns its descriptor, or None if there is none.
        Raises ExportCutError if the zip does not have its recorded length.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            about = os.open(self._folder / f"{export_id}.json", flags)
            with os.fdopen(about, "rb") as file:
                info = msgspec.json.decode(file.read(), type=_ExportInfo)
            if timestamps.parse(info.expires_at) <= timestamps.now():
                return None
            descriptor = os.open(self._folder / f"{export_id}.zip", flags)
        except (OSError, msgspec.DecodeError, TimestampError):
            return None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            return None
        if info.bytes not in (None, found.st_size):
            os.close(descriptor)
            raise ExportCutError(
                f"the file of this export has {found.st_size} bytes, but {info.bytes} were written"
            )
        return descriptor

    async def _send(
        self, request: web.Request, access: Access, export_id: str, descriptor: int
    ) -> web.StreamResponse:
        name = f"nova-export-{export_id[:EXPORT_NAME_CHARS]}.zip"
        headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
        response = web.StreamResponse(headers=headers)
        response.content_type = "application/zip"
        response.content_length = os.fstat(descriptor).st_size
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            while block := await asyncio.to_thread(os.read, descriptor, BLOCK_BYTES):
                self._authorizer.check_principal(access)
                async with asyncio.timeout(self._limits.send_timeout_s):
                    await response.write(block)
        except (TimeoutError, AccessError) as error:
            reason = str(error) or "the client did not read"
            log.info("download aborted", extra={"context": {"reason": reason}})
            if request.transport is not None:
                request.transport.abort()
        return response


def _bearer(request: web.Request) -> str:
    header = request.headers.get("Authorization", "")
    return header[len(BEARER) :] if header.startswith(BEARER) else ""
