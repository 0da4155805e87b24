"""Queued entries are handed over in order, by one edge at a time, until the reader has said so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from nova.edge.actor import Actor
from nova.edge.audit_flusher import AuditFlusher
from nova.edge.audit_queue import AuditQueue
from nova.edge.database_turn import DatabaseTurn
from nova.edge.edge_config import EdgeLimits
from nova.edge.upstream import reader_client
from nova.sdk.events.audit_entry import AUDIT_PATH, AuditEntry

WAIT_S = 60.0
LIMITS = EdgeLimits(audit_poll_s=0.01, audit_reply_timeout_s=0.5)
ROOT = Actor("root", "user")


class RecordingReader:
    """A reader that records what it is handed, and fails as often as the test says."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self.failures: list[int] = []
        """The statuses of the next replies; 0 is a connection that breaks after recording."""

        self.entries: list[AuditEntry] = []
        self.refuse_first = False
        self._serving = 0

    async def post(self, request: web.Request) -> web.Response:
        entries = msgspec.json.decode(await request.read(), type=list[AuditEntry])
        self._serving += 1
        assert self._serving == 1, "two edges hand entries over at once"
        await asyncio.sleep(0.02)
        self._serving -= 1
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            return web.Response(status=failure)
        self.entries += entries
        if failure == 0 and request.transport is not None:
            request.transport.abort()
        refused = [{"place": 0, "reason": "no"}] if self.refuse_first else []
        self.refuse_first = False
        body = msgspec.json.encode({"type": "auditRecorded", "refused": refused})
        return web.Response(body=body)

    def numbers(self) -> list[object]:
        """The entries in the order of their first arrival."""
        once = {entry.audit_id: entry.details.get("number") for entry in self.entries}
        return list(once.values())

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        app = web.Application()
        app.router.add_post(AUDIT_PATH, self.post)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.UnixSite(runner, str(self._socket)).start()
        try:
            yield
        finally:
            await runner.cleanup()
            self._socket.unlink(missing_ok=True)


@asynccontextmanager
async def flushing(folder: Path, socket: Path, edges: int = 2) -> AsyncIterator[AuditQueue]:
    """Edges that hand entries over; the queue of the first one."""
    async with AsyncExitStack() as stack:
        queues = [AuditQueue(folder) for _ in range(edges)]
        for queue in queues:
            stack.callback(queue.close)
            reader = await stack.enter_async_context(reader_client(socket))
            turn = stack.enter_context(DatabaseTurn(folder))
            task = asyncio.create_task(AuditFlusher(queue, turn, reader, folder, LIMITS).run())
            stack.push_async_callback(_cancel, task)
        yield queues[0]


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


async def emptied(queue: AuditQueue) -> None:
    async with asyncio.timeout(WAIT_S):
        while queue.first():
            await asyncio.sleep(0.01)


async def test_two_edges_hand_over_one_queue_in_order(tmp_path: Path, reader_socket: Path) -> None:
    """While the reader is away, and after replies that say no or are lost."""
    reader = RecordingReader(reader_socket)
    async with flushing(tmp_path, reader_socket) as queue:
        for number in range(300):
            queue.append("AdminAction", ROOT, {"number": number})
        await asyncio.sleep(0.1)
        assert len(queue.first()) > 0
        reader.failures = [503, 0, 500, 0]
        async with reader.listening():
            await emptied(queue)
            for number in range(300, 320):
                queue.append("AdminAction", ROOT, {"number": number})
                await asyncio.sleep(0.005)
            await emptied(queue)
    assert reader.numbers() == list(range(320)) and reader.failures == []


async def test_a_refused_entry_becomes_a_gap(
    tmp_path: Path, reader_socket: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds nothing up, and the log says why."""
    reader = RecordingReader(reader_socket)
    reader.refuse_first = True
    async with flushing(tmp_path, reader_socket, 1) as queue, reader.listening():
        queue.append("AdminAction", ROOT, {})
        async with asyncio.timeout(WAIT_S):
            while len(reader.entries) < 2:
                await asyncio.sleep(0.01)
        await emptied(queue)
    assert [entry.kind for entry in reader.entries] == ["AdminAction", "AuditGap"]
    assert "the Core refuses an audit entry" in caplog.text
