"""The export requests of one connection: start, progress, cancel. Exports that still run when the
connection closes are cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import get_args

import msgspec

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.page import parse_time_or
from nova.core.server.audit_intake import AuditRecorder
from nova.core.server.export_jobs import ExportJobs
from nova.core.server.principal import visibility_of
from nova.core.submission_messages import Principal
from nova.sdk.batch.range_messages import RangeRequest
from nova.sdk.events.audit_entry import EXPORT_NAME_CHARS, new_entry
from nova.sdk.field_types import JsonObject, Lane
from nova.sdk.protocol.export import (
    CancelExport,
    DriverInfo,
    Drivers,
    DriversResponse,
    Export,
    ExportCancelled,
    ExportProgress,
    ExportRequest,
    ExportStarted,
)
from nova.sdk.protocol.messages import Message, Ref
from nova.sdk.timestamps import NS_MAX, NS_MIN

LANE_NAMES = get_args(Lane)

SendMessage = Callable[[Message, Ref], Awaitable[None]]


class ExportRequests:
    """Handles the export requests of one connection and owns the tasks of its exports."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        exports: ExportJobs,
        audit: AuditRecorder,
        send: SendMessage,
        principal: Principal,
    ) -> None:
        self._principal = principal
        self._visibility = visibility_of(principal)
        self._audit = audit
        self._snapshot = snapshot
        self._exports = exports
        self._send = send
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def handle(
        self, request: ExportRequest, timebase: Callable[[Timebase | None], Timebase]
    ) -> None:
        """Reply to one request; raises RequestError for an invalid one."""
        match request:
            case Export():
                await self._start(request, timebase(request.timebase))
            case CancelExport():
                await self._cancel(request)
            case Drivers():
                await self._send(self._drivers(), request.ref)

    async def _start(self, request: Export, timebase: Timebase) -> None:
        start_ns = parse_time_or("startTime", request.start_time, NS_MIN)
        stop_ns = parse_time_or("stopTime", request.stop_time, NS_MAX)
        if start_ns > stop_ns:
            raise RequestError("badRange", "startTime is after stopTime")
        whole = RangeRequest(
            start_ns=start_ns,
            stop_ns=stop_ns,
            timebase=timebase,
            filters=request.filters,
            watermark=self._snapshot.watermark,
            scopes=_list(self._visibility.scopes),
            lanes=_list(self._visibility.lanes),
            with_audit=self._visibility.of_request(request).sees_audit,
        )
        export_id = self._exports.reserve_slot(request.driver)
        try:
            await self._record(export_id, whole, request)
        except BaseException:
            self._exports.release_slot(export_id)
            raise
        task = self._tasks[export_id] = asyncio.create_task(self._run(export_id, whole, request))
        task.add_done_callback(lambda _: self._release(export_id))

    async def _record(self, export_id: str, whole: RangeRequest, request: Export) -> None:
        """Record the request for audit. An export that cannot be recorded does not start."""
        details: JsonObject = {
            "action": "request",
            "export": export_id[:EXPORT_NAME_CHARS],
            "startTime": request.start_time,
            "stopTime": request.stop_time,
            "timebase": whole.timebase,
            "filters": msgspec.to_builtins(request.filters),
            "driver": request.driver,
        }
        who = self._principal
        await self._audit.record(new_entry("ExportRequested", who.user, who.kind, details))

    def _release(self, export_id: str) -> None:
        self._exports.release_slot(export_id)
        self._tasks.pop(export_id, None)

    async def _run(self, export_id: str, whole: RangeRequest, request: Export) -> None:
        async def report(progress: ExportProgress) -> None:
            await self._send(progress, None)

        with contextlib.suppress(ConnectionError):
            await self._send(ExportStarted(export_id=export_id), request.ref)
            run = self._exports.run(export_id, whole, request.driver, report)
            end = await self._exports.figures.counted(run)
            await self._send(end, None)

    async def _cancel(self, request: CancelExport) -> None:
        task = self._tasks.get(request.export_id)
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
        await self._send(ExportCancelled(export_id=request.export_id), request.ref)

    def _drivers(self) -> DriversResponse:
        registry = self._exports.registry()
        found = [
            DriverInfo(
                driver=driver.name,
                lanes=[lane for lane in LANE_NAMES if lane in driver.lanes],
                message_types=sorted(driver.message_types) if driver.message_types else None,
            )
            for driver in registry.drivers()
        ]
        return DriversResponse(drivers=found, preferred=list(self._exports.preference()))

    def running(self) -> set[asyncio.Task[None]]:
        """The tasks of the exports that run, until their ends are sent."""
        return set(self._tasks.values())

    async def close(self) -> None:
        """Cancel all exports that still run."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _list(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
