"""Submission client: forwards clients' submissions to the writer and returns its replies."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp

from nova.core import submission_messages
from nova.core.errors import RequestError
from nova.core.submission_messages import (
    INSTANCE,
    AuditRecorded,
    EndDay,
    InstanceRequest,
    Principal,
    RecordAudit,
    RecordDaySeal,
    RecordNotification,
    SubmissionRequest,
)
from nova.sdk import request_id
from nova.sdk.alarms.sent_notification import SentNotification
from nova.sdk.channel import ChannelError
from nova.sdk.events.audit_entry import AuditEntry
from nova.sdk.events.day_seal import DaySeal
from nova.sdk.protocol import messages
from nova.sdk.protocol.health import SubmissionCount
from nova.sdk.protocol.messages import Error, Reply
from nova.sdk.protocol.submission import Submission
from nova.sdk.request_socket import RequestSocket

CONNECT_TIMEOUT_S = 2.0
REPLY_TIMEOUT_S = 60.0
HANG_CHECK_INTERVAL_S = 0.5
ACCEPTED = "taken"
WRITER_AWAY = "the writer is not running; nothing was recorded"
WRITER_LOST = (
    "the writer disconnected before it replied: whether the submission was recorded is unknown; "
    "retry a command with the same requestId"
)


class SubmissionClient:
    """One connection to the writer, shared by all sessions of a reader and opened on demand."""

    def __init__(
        self,
        path: Path,
        writer_hangs: Callable[[], bool] = lambda: False,
        frame_max_bytes: int = submission_messages.FRAME_MAX_BYTES,
    ) -> None:
        self._frame_max_bytes = frame_max_bytes
        self._path = path
        self._writer_hangs = writer_hangs
        self._session: aiohttp.ClientSession | None = None
        self._socket = RequestSocket(self._connect, submission_messages.REPLIES)
        self._outcomes: Counter[tuple[str, str]] = Counter()

    def counts(self) -> list[SubmissionCount]:
        """Submissions by kind and outcome since this reader started."""
        return [
            SubmissionCount(kind=kind, outcome=outcome, count=count)
            for (kind, outcome), count in sorted(self._outcomes.items())
        ]

    async def submit(self, principal: Principal, message: Submission) -> Reply:
        """The writer's reply; raises RequestError if the writer is away or disconnects."""
        try:
            reply = await self._request(principal, message)
        except RequestError as error:
            self._count(message, error.code)
            raise
        self._count(message, reply.code if isinstance(reply, Error) else ACCEPTED)
        return reply

    async def record_audit(self, entries: Sequence[AuditEntry]) -> AuditRecorded:
        """Record entries of the audit trail; raises RequestError as `submit` does, and for whatever
        else the writer replies.
        """
        frame = await self._exchange(INSTANCE, RecordAudit(entries=list(entries)))
        reply = submission_messages.decode_audit_reply(frame)
        if isinstance(reply, Error):
            raise RequestError(reply.code, reply.message)
        return reply

    async def record_seal(self, seal: DaySeal) -> int:
        """Record the seal of a day. Returns a canonical time in ns up to which the archive is
        durable with it; raises RequestError as `record_audit` does.
        """
        return await self._write_seals(RecordDaySeal(seal=seal))

    async def end_day(self, day: str) -> int:
        """Have the archive's time pass the end of a day. Returns a canonical time in ns after it;
        raises RequestError as `record_audit` does.
        """
        return await self._write_seals(EndDay(day=day))

    async def record_notification(self, notification: SentNotification) -> None:
        """Record what became of a notification, once; raises RequestError as `record_audit`
        does.
        """
        frame = await self._exchange(INSTANCE, RecordNotification(notification=notification))
        reply = submission_messages.decode_notification_reply(frame)
        if isinstance(reply, Error):
            raise RequestError(reply.code, reply.message)

    async def _write_seals(self, request: RecordDaySeal | EndDay) -> int:
        frame = await self._exchange(INSTANCE, request)
        reply = submission_messages.decode_seal_reply(frame)
        if isinstance(reply, Error):
            raise RequestError(reply.code, reply.message)
        return reply.canonical_ns

    def _count(self, message: Submission, outcome: str) -> None:
        self._outcomes[str(message.__struct_config__.tag), outcome] += 1

    async def _request(self, principal: Principal, message: Submission) -> Reply:
        return messages.decode_reply(await self._exchange(principal, message))

    async def _exchange(self, principal: Principal, message: Submission | InstanceRequest) -> bytes:
        since_s = time.monotonic()
        if self._writer_hangs():
            raise RequestError("writerAway", WRITER_AWAY)
        ref = self._socket.next_ref()
        request = SubmissionRequest(ref, principal, message, since_s, request_id.current.get())
        frame = submission_messages.REQUESTS.encode(request)
        if len(frame) > self._frame_max_bytes:
            # The writer would close the connection, and all pending submissions on it would fail.
            raise RequestError(
                "requestTooLarge",
                f"the submission is {len(frame)} bytes when encoded for the writer, of at most "
                f"{self._frame_max_bytes}; nothing was recorded",
            )
        await self._socket.ensure_connected()
        try:
            async with asyncio.timeout(REPLY_TIMEOUT_S) as deadline:
                watching = asyncio.create_task(self._expire_if_writer_hangs(deadline))
                try:
                    reply = await self._socket.request(ref, frame)
                finally:
                    watching.cancel()
        except (ChannelError, OSError, aiohttp.ClientError):
            raise RequestError("writerAway", WRITER_LOST) from None
        return reply.reply

    async def _expire_if_writer_hangs(self, deadline: asyncio.Timeout) -> None:
        while not self._writer_hangs():
            await asyncio.sleep(HANG_CHECK_INTERVAL_S)
        deadline.reschedule(asyncio.get_running_loop().time())

    async def _connect(self) -> aiohttp.ClientWebSocketResponse[bool]:
        if self._session is None:
            connector = aiohttp.UnixConnector(str(self._path))
            self._session = aiohttp.ClientSession(connector=connector)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await self._session.ws_connect(
                    f"http://localhost{submission_messages.PATH}",
                    max_msg_size=submission_messages.FRAME_MAX_BYTES,
                )
        except (OSError, aiohttp.ClientError, TimeoutError):
            raise RequestError("writerAway", WRITER_AWAY) from None

    async def close(self) -> None:
        await self._socket.close()
        if self._session is not None:
            await self._session.close()
