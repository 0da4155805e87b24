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
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiohttp import web

from nova.edge.access import Access
from nova.edge.actor import actor_of
from nova.edge.audit_queue import AuditQueue
from nova.edge.authorization import Authorizer
from nova.edge.client_address import ClientAddresses
from nova.edge.database_turn import DatabaseTurn
from nova.edge.edge_config import EdgeLimits
from nova.edge.errors import AccessError
from nova.edge.http_admission import HttpAdmission, bearer_token
from nova.edge.replies import NO_STORE, error_reply
from nova.edge.request_limits import RequestLimits
from nova.edge.same_origin import is_foreign_origin
from nova.sdk import timestamps
from nova.sdk.batch.export_info import ExportInfo
from nova.sdk.errors import NovaError, TimestampError
from nova.sdk.events.audit_entry import EXPORT_NAME_CHARS
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.submission import Role

EXPORT_ROLES: tuple[Role, ...] = ("operator", "admin")
EXPORT_COOKIE = "nova_export"
COOKIE_MAX_AGE_S = 120
BLOCK_BYTES = 256 * 1024
OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
HIDDEN = "this export may hold scopes, lanes or audit events that you may not see"

_ID = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

log = logging.getLogger(__name__)


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
        turn: DatabaseTurn,
    ) -> None:
        self._admission = HttpAdmission(authorizer, request_limits)
        self._audit = audit
        self._turn = turn
        self._folder = folder
        self._addresses = addresses
        self._authorizer = authorizer
        self._limits = limits

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Set the cookie that authorizes the browser's download."""
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", "this edge did not serve this page")
        token = bearer_token(request)
        access = self._admit(token)
        if isinstance(access, web.Response):
            return access
        info = self._info(request.match_info["id"])
        if info is not None and not may_download(access, info):
            return error_reply(403, "forbidden", HIDDEN)
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
        access = self._admit(bearer_token(request) or request.cookies.get(EXPORT_COOKIE, ""))
        if isinstance(access, web.Response):
            return access
        export_id = request.match_info["id"]
        info = self._info(export_id)
        if info is not None and not may_download(access, info):
            return error_reply(403, "forbidden", HIDDEN)
        try:
            opened = None if info is None else self._open(export_id, info)
        except ExportCutError as error:
            log.error("export damaged", extra={"context": {"id": export_id, "why": str(error)}})
            return error_reply(410, "exportDamaged", f"{error}: export it again")
        if opened is None:
            return error_reply(404, "notFound", "this export does not exist or has expired")
        with os.fdopen(opened, "rb", buffering=0) as file:
            if request.method == "GET":
                await self._turn.wait()
                self._record(request, access, export_id)
            return await self._send(request, access, export_id, file.fileno())

    def _record(self, request: web.Request, access: Access, export_id: str) -> None:
        details: JsonObject = {
            "action": "download",
            "export": export_id[:EXPORT_NAME_CHARS],
            "address": self._addresses.client_of(request),
        }
        self._audit.append("ExportRequested", actor_of(access), details)

    def _admit(self, token: str) -> Access | web.Response:
        """The access of a principal that may download exports, else the error reply."""
        return self._admission.admit(
            token, EXPORT_ROLES, "exports are for operators and administrators"
        )

    def _info(self, export_id: str) -> ExportInfo | None:
        """What is known of an unexpired export; None if there is none."""
        if not _ID.fullmatch(export_id):
            return None
        try:
            about = os.open(self._folder / f"{export_id}.json", OPEN_FLAGS)
            with os.fdopen(about, "rb") as file:
                info = msgspec.json.decode(file.read(), type=ExportInfo)
            is_expired = timestamps.parse(info.expires_at) <= timestamps.now()
        except (OSError, msgspec.DecodeError, TimestampError):
            return None
        return None if is_expired else info

    def _open(self, export_id: str, info: ExportInfo) -> int | None:
        """Open the zip of an export; returns its descriptor, or None if there is none. Raises
        ExportCutError if the zip does not have its recorded length.
        """
        try:
            descriptor = os.open(self._folder / f"{export_id}.zip", OPEN_FLAGS)
        except OSError:
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


def may_download(access: Access, info: ExportInfo) -> bool:
    """Whether a principal may see everything that an export may hold."""
    return (
        _covers(access.scopes, info.scopes)
        and _covers(access.lanes, info.lanes)
        and (access.role == "admin" or not info.with_audit)
    )


def _covers(allowed: Sequence[str] | None, held: Sequence[str] | None) -> bool:
    return allowed is None or (held is not None and set(held) <= set(allowed))
