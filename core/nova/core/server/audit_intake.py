"""Receives entries of the audit trail from the edges of the instance, for the writer.

No client reaches this: the socket is in a folder of the instance's own Unix user, and an edge
forwards frames of its clients to another path.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from nova.core.errors import RequestError
from nova.core.server.principal import is_of_instance
from nova.core.server.submission_client import SubmissionClient
from nova.core.submission_messages import AuditRecorded
from nova.sdk.events.audit_entry import AuditEntry

RECORD_WAIT_S = 10.0
RECORD_RETRY_S = 0.2
NOT_RECORDED = "the writer cannot record this request for audit now, so it is refused; retry later"

_entries = msgspec.json.Decoder(list[AuditEntry])


class AuditIntake:
    """Serves `POST /audit`: a JSON list of entries, answered once they are durable."""

    def __init__(self, submissions: SubmissionClient) -> None:
        self._submissions = submissions

    async def post(self, request: web.Request) -> web.Response:
        """503 while the writer is away: the edge sends the same entries again."""
        if not is_of_instance(request):
            return web.Response(status=403, text="the audit trail is written by the instance only")
        try:
            entries = _entries.decode(await request.read())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return web.Response(status=400, text=str(error))
        try:
            reply = await self._submissions.record_audit(entries)
        except RequestError as error:
            return web.Response(status=503, text=error.message)
        return web.Response(body=msgspec.json.encode(reply), content_type="application/json")


class AuditRecorder:
    """Records what a reader itself knows of, before the reader does it."""

    def __init__(
        self,
        submissions: SubmissionClient,
        wait_s: float = RECORD_WAIT_S,
        retry_s: float = RECORD_RETRY_S,
    ) -> None:
        self._submissions = submissions
        self._wait_s = wait_s
        self._retry_s = retry_s

    async def record(self, entry: AuditEntry) -> None:
        """Return once the entry is durable; raises RequestError if it is not within `wait_s`."""
        try:
            async with asyncio.timeout(self._wait_s):
                reply = await self._until_recorded(entry)
        except TimeoutError:
            raise RequestError("writerAway", NOT_RECORDED) from None
        if reply.refused:
            raise RequestError("badRequest", f"the audit trail: {reply.refused[0].reason}")

    async def _until_recorded(self, entry: AuditEntry) -> AuditRecorded:
        """Repeat the entry until the writer has it: a repeated entry is recorded once."""
        while True:
            try:
                return await self._submissions.record_audit([entry])
            except RequestError as error:
                if error.code != "writerAway":
                    raise
            await asyncio.sleep(self._retry_s)
