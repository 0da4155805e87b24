"""Hands queued audit entries to the Core, in order; one edge of an archive at a time does.

An entry is removed from the queue when the Core says that it is durable. If a process ends in
between, it is handed over again: the Core records equal entries once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
import msgspec

from nova.edge.audit_queue import AuditQueue, QueuedEntry
from nova.edge.database_turn import DatabaseTurn
from nova.edge.edge_config import EdgeLimits
from nova.edge.lock_file import open_lock, try_lock
from nova.edge.upstream import READER_URL
from nova.sdk.events.audit_entry import AUDIT_PATH, AuditRefusal

LOCK_FILE = "audit.lock"
HTTP_OK = 200

log = logging.getLogger(__name__)


class _Recorded(msgspec.Struct):
    """The reader's reply; the other members are of no interest here."""

    refused: list[AuditRefusal] = []


_reply = msgspec.json.Decoder(_Recorded)


class AuditFlusher:
    """One edge's share in emptying the queue of its archive."""

    def __init__(
        self,
        queue: AuditQueue,
        turn: DatabaseTurn,
        reader: aiohttp.ClientSession,
        folder: Path,
        limits: EdgeLimits,
    ) -> None:
        self._queue = queue
        self._turn_to_write = turn
        self._reader = reader
        self._lock_path = folder / LOCK_FILE
        self._limits = limits
        self._is_waiting = False

    async def run(self) -> None:
        """Hand entries over until cancelled; while the Core is away they wait."""
        while True:
            try:
                await self._flush()
            except sqlite3.Error as error:
                log.error("cannot use the audit queue: %s", error)
            except (aiohttp.ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
                self._report_waiting(str(error) or "the reader does not answer")
            await asyncio.sleep(self._limits.audit_poll_s)

    async def _flush(self) -> None:
        if not self._queue.first():
            return
        with self._turn() as is_ours:
            while is_ours and (entries := self._queue.first()):
                await self._turn_to_write.wait()
                refused = await self._send(entries)
                for one in refused:
                    log.error(
                        "the Core refuses an audit entry", extra={"context": {"why": one.reason}}
                    )
                self._queue.remove(entries[-1].number, len(refused))
                self._is_waiting = False

    @contextlib.contextmanager
    def _turn(self) -> Iterator[bool]:
        """Whether it is this edge's turn. The lock ends with the block, and with the process."""
        descriptor = open_lock(self._lock_path)
        try:
            yield try_lock(descriptor)
        finally:
            os.close(descriptor)

    async def _send(self, queued: Sequence[QueuedEntry]) -> list[AuditRefusal]:
        body = msgspec.json.encode([one.entry for one in queued])
        url = READER_URL.rstrip("/") + AUDIT_PATH
        timeout = aiohttp.ClientTimeout(total=self._limits.audit_reply_timeout_s)
        async with self._reader.post(url, data=body, timeout=timeout) as reply:
            if reply.status != HTTP_OK:
                raise aiohttp.ClientError(f"{reply.status}: {await reply.text()}")
            return _reply.decode(await reply.read()).refused

    def _report_waiting(self, reason: str) -> None:
        """Log once per outage."""
        if not self._is_waiting:
            self._is_waiting = True
            log.warning("audit entries wait for the Core", extra={"context": {"why": reason}})
