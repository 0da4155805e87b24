"""`/exports/{id}`: downloads of finished exports.

Programs send their token with each request. A browser cannot when it downloads by itself, so a
`POST` with the token sets a short-lived cookie that is valid for this one export.
"""

from __future__ import annotations

import logging
import os

from aiohttp import web

from nova.edge.access import Access
from nova.edge.actor import actor_of
from nova.edge.download_folder import DownloadFolder, ExportCutError, may_download
from nova.edge.export_services import ExportServices
from nova.edge.file_sender import FileSender
from nova.edge.http_admission import HttpAdmission, bearer_token
from nova.edge.replies import NO_STORE, error_reply
from nova.edge.same_origin import is_foreign_origin
from nova.sdk.events.audit_entry import EXPORT_NAME_CHARS
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.submission import Role

EXPORT_ROLES: tuple[Role, ...] = ("operator", "admin")
EXPORT_COOKIE = "nova_export"
COOKIE_MAX_AGE_S = 120
HIDDEN = "this export may hold scopes, lanes or audit events that you may not see"
GONE = "this export does not exist or has expired"

log = logging.getLogger(__name__)


class ExportDownloads:
    """Serves the finished exports of a folder that the reader writes."""

    def __init__(self, services: ExportServices) -> None:
        self._admission = HttpAdmission(services.authorizer, services.request_limits)
        self._audit = services.audit
        self._turn = services.turn
        self._exports = DownloadFolder(services.folder)
        self._addresses = services.addresses
        self._sender = FileSender(services.authorizer.check_principal, services.limits)

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/exports/{id}", self.get)
        app.router.add_post("/exports/{id}", self.post)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Set the cookie that authorizes the browser's download."""
        if is_foreign_origin(request):
            return error_reply(403, "forbidden", "this edge did not serve this page")
        token = bearer_token(request)
        access = self.admit(token)
        if isinstance(access, web.Response):
            return access
        info = self._exports.info(request.match_info["id"])
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
        access = self.admit(bearer_token(request) or request.cookies.get(EXPORT_COOKIE, ""))
        if isinstance(access, web.Response):
            return access
        export_id = request.match_info["id"]
        opened = self.open(access, export_id)
        if isinstance(opened, web.Response):
            return opened
        with os.fdopen(opened, "rb", buffering=0) as file:
            if request.method == "GET":
                await self.record(request, access, export_id, "download")
            return await self._send(request, access, export_id, file.fileno())

    def admit(self, token: str) -> Access | web.Response:
        """The access of a principal that may download exports, else the error reply."""
        return self._admission.admit(
            token, EXPORT_ROLES, "exports are for operators and administrators"
        )

    def open(self, access: Access, export_id: str) -> int | web.Response:
        """A descriptor of the zip of an export that a principal may have, else the error reply."""
        info = self._exports.info(export_id)
        if info is not None and not may_download(access, info):
            return error_reply(403, "forbidden", HIDDEN)
        try:
            opened = None if info is None else self._exports.open(export_id, info)
        except ExportCutError as error:
            return damaged(export_id, error)
        return error_reply(404, "notFound", GONE) if opened is None else opened

    async def record(
        self, request: web.Request, access: Access, export_id: str, action: str
    ) -> None:
        """Audit what a principal does with an export."""
        await self._turn.wait()
        details: JsonObject = {
            "action": action,
            "export": export_id[:EXPORT_NAME_CHARS],
            "address": self._addresses.client_of(request),
        }
        self._audit.append("ExportRequested", actor_of(access), details)

    async def _send(
        self, request: web.Request, access: Access, export_id: str, descriptor: int
    ) -> web.StreamResponse:
        name = f"nova-export-{export_id[:EXPORT_NAME_CHARS]}.zip"
        headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="{name}"'}
        response = web.StreamResponse(headers=headers)
        response.content_type = "application/zip"
        size = os.fstat(descriptor).st_size
        return await self._sender.send(request, response, access, descriptor, (0, size))


def damaged(export_id: str, error: ExportCutError) -> web.Response:
    """The reply of an export whose zip was changed on the disk."""
    name = export_id[:EXPORT_NAME_CHARS]
    log.error("export damaged", extra={"context": {"id": name, "why": str(error)}})
    return error_reply(410, "exportDamaged", f"{error}: export it again")
