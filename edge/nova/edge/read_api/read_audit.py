"""Reads that are recorded for audit: those of programs that say so, as an agent's tools do."""

from __future__ import annotations

from aiohttp import web

from nova.edge.access import Access
from nova.edge.actor import actor_of
from nova.edge.audit_queue import AuditQueue
from nova.edge.client_address import ClientAddresses
from nova.edge.database_turn import DatabaseTurn
from nova.edge.read_api.cross_origin import PREFIX
from nova.sdk.errors import ProtocolError
from nova.sdk.field_types import JsonObject
from nova.sdk.reading.http_headers import AUDIT_HEADER

BY_MAX_CHARS = 64
ASKED_MAX_CHARS = 2_000


class ReadAudit:
    """Records a read before it is answered, if it has the header."""

    def __init__(self, queue: AuditQueue, turn: DatabaseTurn, addresses: ClientAddresses) -> None:
        self._queue = queue
        self._turn = turn
        self._addresses = addresses

    def is_wanted(self, request: web.Request) -> bool:
        return AUDIT_HEADER in request.headers

    async def record(self, request: web.Request, access: Access) -> None:
        """Raises ProtocolError if what asks has no proper name."""
        by = request.headers.get(AUDIT_HEADER)
        if by is None:
            return
        if not 0 < len(by) <= BY_MAX_CHARS or not (by.isascii() and by.isprintable()):
            raise ProtocolError(
                "badRequest", f"{AUDIT_HEADER} has 1 to {BY_MAX_CHARS} printable characters"
            )
        asked = request.rel_url.raw_path_qs.removeprefix(PREFIX)
        details: JsonObject = {
            "by": by,
            "asked": asked[:ASKED_MAX_CHARS],
            "address": self._addresses.client_of(request),
        }
        await self._turn.wait()
        self._queue.append("ReadRequested", actor_of(access), details)
