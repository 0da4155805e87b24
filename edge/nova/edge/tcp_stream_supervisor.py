"""Lets the streams run that the store says should, on the one edge that has the lock.

Changes by other edges and by `nova streams` are found by reading the store regularly.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from nova.edge.core_link import CORE_UNAVAILABLE
from nova.edge.core_status import CoreStatus
from nova.edge.running_streams import TcpStreams
from nova.edge.tcp_stream_lock import LockHolder, TcpStreamLock, lock_holder
from nova.edge.tcp_stream_rules import check_definition
from nova.edge.tcp_stream_store import StoredStream, TcpStreamStore
from nova.sdk.background_task import background_task
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.message import Timebase
from nova.sdk.protocol.messages import StatusResponse

FILES_PER_STREAM = 4
"""A port and a connection to the reader, and as many files again for clients and all else."""

TOO_MANY_RUN = "this edge runs {} streams, and may run no more: stop another one first"

log = logging.getLogger(__name__)


class TcpStreamSupervisor:
    """`address` says where this edge serves, None until it does."""

    def __init__(
        self,
        folder: Path,
        store: TcpStreamStore,
        runtime: TcpStreams,
        core: CoreStatus,
        address: Callable[[], str | None],
        *,
        poll_s: float,
        streams_max: int,
    ) -> None:
        self._folder = folder
        self._store = store
        self._runtime = runtime
        self._core = core
        self._address = address
        self._poll_s = poll_s
        self._streams_max = streams_max
        self._lock = TcpStreamLock(folder)
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._is_over = False
        self._failure = ""
        self._running: dict[str, StoredStream] = {}
        self._problems: dict[str, str] = {}
        self._status: StatusResponse | None = None

    @property
    def serves(self) -> bool:
        """Whether this edge is the one that serves the streams."""
        return self._lock.is_held

    def holder(self) -> LockHolder | None:
        """The edge that serves the streams, this one or another."""
        return lock_holder(self._folder)

    def problem(self, stream_id: str) -> str | None:
        """Why an enabled stream does not run."""
        return self._problems.get(stream_id)

    async def is_ground(self) -> bool:
        """Whether the archive holds several scopes; raises ProtocolError if the Core has not said
        so yet.
        """
        status = await self._instance()
        if status is None:
            raise ProtocolError("coreUnavailable", CORE_UNAVAILABLE)
        return status.mode == "ground"

    def default_timebase(self) -> Timebase:
        """The timebase of streams that name none."""
        return "source" if self._status is None else self._status.timebase

    async def _instance(self) -> StatusResponse | None:
        """What the Core has once said of the instance, which holds until it is started anew."""
        if self._status is None:
            self._status = await self._core.get()
        return self._status

    async def running(self, _: object) -> AsyncIterator[None]:
        """Serve while the application runs."""
        async with background_task(self._run()):
            yield
        self._running.clear()
        await self._runtime.close()
        self._lock.release()

    async def apply(self) -> None:
        """Apply what the store says now, and wait until that is done. It is done even if whoever
        waits is cancelled.
        """
        if self._is_over:
            return
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._wake.set()
        await done

    async def _run(self) -> None:
        try:
            while True:
                self._wake.clear()
                waiting, self._waiting = self._waiting, []
                try:
                    await self._apply()
                    self._failure = ""
                except Exception as error:  # Whatever it is, the next attempt may succeed.
                    self._report(error)
                finally:
                    _complete(waiting)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._wake.wait()
        finally:
            self._is_over = True
            _complete(self._waiting)

    def _report(self, error: Exception) -> None:
        """Log a failure once for as long as it lasts."""
        if str(error) != self._failure:
            log.error("TCP streams cannot be served", exc_info=error)
        self._failure = str(error)

    async def _apply(self) -> None:
        """Make what runs what the store says, if this edge serves the streams or may do so now."""
        address = self._address()
        if address is None or not self._acquire(address):
            return
        wanted = await self._wanted()
        for stream_id, running in list(self._running.items()):
            if wanted.get(stream_id) != running:
                await self._stop(stream_id)
        for stream_id, stream in wanted.items():
            if stream_id not in self._running:
                self._running[stream_id] = stream
                await self._runtime.start(stream)
                log.info("TCP stream started", extra={"context": _context(stream)})

    def _acquire(self, address: str) -> bool:
        if not self._lock.is_held and self._lock.acquire(address):
            log.info("this edge serves the TCP streams")
        return self._lock.is_held

    async def _wanted(self) -> dict[str, StoredStream]:
        """The streams that should run: those that are enabled and keep the rules of the archive,
        once the Core has said what these are; if they are too many, those created first.
        """
        enabled = [stream for stream in self._store.list_streams() if stream.enabled]
        enabled.sort(key=lambda stream: stream.created)
        problems: dict[str, str] = {}
        status = await self._instance() if enabled else None
        for stream in enabled:
            if status is None:
                problems[stream.id] = CORE_UNAVAILABLE
                continue
            try:
                check_definition(stream.definition, is_ground=status.mode == "ground")
            except ProtocolError as error:
                problems[stream.id] = error.message
        wanted = [stream for stream in enabled if stream.id not in problems]
        most = running_max(self._streams_max, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        problems |= {stream.id: TOO_MANY_RUN.format(most) for stream in wanted[most:]}
        self._problems = problems
        return {stream.id: stream for stream in wanted[:most]}

    async def _stop(self, stream_id: str) -> None:
        stopped = self._running.pop(stream_id)
        await self._runtime.stop(stream_id)
        log.info("TCP stream stopped", extra={"context": _context(stopped)})


def running_max(streams_max: int, open_files_max: int) -> int:
    """How many streams may run, if the process may have this many open files."""
    if open_files_max == resource.RLIM_INFINITY:
        return streams_max
    return min(streams_max, open_files_max // FILES_PER_STREAM)


def _context(stream: StoredStream) -> dict[str, object]:
    return {"stream": stream.definition.name, "port": stream.definition.port}


def _complete(waiting: list[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)
