"""Validation pool: checks large groups of records beside the writer's own thread, and small ones in
it.

With the native part a second thread checks, which needs the interpreter for a moment only. Without
it, checking a record takes about as long as storing it, so a worker process does it; in one process
the second core would be idle. Checking depends on the record alone, so a worker that dies loses
nothing: the writer checks its records. At low rates batches are small, and the round trip would
only add latency (docs/decisions/0004-checking-beside-committing.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

from nova.core.writer.columns import BatchColumns, check_records
from nova.sdk import lifecycle
from nova.sdk.channel import ChannelError, FrameCodec
from nova.sdk.events.checker import Checker, RecordTuple
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.processor_cores import available_cores
from nova.sdk.transport.base import Record
from nova.sdk.worker_channel import WorkerChannel
from nova.sdk.worker_process import WorkerProcess

WORKER_MIN_RECORDS = 200
"""Least records in a group that is worth the round trip to the worker."""

REQUEST_RECORDS = 500
"""Most records in a request: its data stays in the processor's cache until the reply, and the two
processes work on neighbouring requests concurrently.
"""

FRAME_MAX_BYTES: Final = 1024 * 1024 * 1024
"""More than the largest envelopes of all batches that wait to be checked."""

REPLY_TIMEOUT_S = 60.0
"""A worker that checks a request for longer hangs."""

RecordGroup = Sequence[Sequence[Record]]
"""Batches that are checked together."""

log = logging.getLogger(__name__)

# Plain tuples: decoding to a class would take twice as long.
_groups: FrameCodec[Sequence[Sequence[RecordTuple]]] = FrameCodec(list[list[RecordTuple]])
_manifests: FrameCodec[list[CardManifest]] = FrameCodec(list[CardManifest])
_replies: FrameCodec[list[BatchColumns]] = FrameCodec(list[BatchColumns])


class _PendingRequest(NamedTuple):
    group: RecordGroup
    reply: asyncio.Future[list[BatchColumns]]


class ValidationPool:
    """Checks groups of batches in order, in this thread, in another one or in the worker."""

    def __init__(
        self,
        checker: Checker,
        scope_id: str | None,
        max_bytes: int,
        manifests: Sequence[CardManifest] = (),
        own_scope: str | None = None,
        reply_timeout_s: float = REPLY_TIMEOUT_S,
    ) -> None:
        self._checker = checker
        self._manifests = list(manifests)
        self._reply_timeout_s = reply_timeout_s
        self._arguments = [scope_id or "", str(max_bytes), own_scope or ""]
        self._worker: WorkerProcess[list[BatchColumns]] | None = None
        """The worker while it accepts requests."""

        self._pending: deque[_PendingRequest] = deque()
        self._running: asyncio.Task[None] | None = None
        has_native = checker.known is not None
        self._can_use_worker = available_cores() > 1 and not has_native
        self._thread = (
            ThreadPoolExecutor(1, "check") if available_cores() > 1 and has_native else None
        )
        self._in_thread = 0
        """Groups that the thread has not completed."""

    @property
    def process_id(self) -> int | None:
        """Of the worker, while it accepts requests."""
        return None if self._worker is None else self._worker.process_id

    def check(self, group: RecordGroup) -> asyncio.Future[list[BatchColumns]]:
        """Start to check a group; the future gets the columns of each batch. Groups complete in the
        order in which they began.
        """
        if self._thread is not None and self._should_use_thread(group):
            self._in_thread += 1
            checked = asyncio.wrap_future(self._thread.submit(self._check_here, group))
            checked.add_done_callback(self._count_checked)
            return checked
        columns: asyncio.Future[list[BatchColumns]] = asyncio.get_running_loop().create_future()
        if not self._should_use_worker(group):
            columns.set_result(self._check_here(group))
            return columns
        answers = [self._send(request) for request in split_group(group)]

        def join(_: object) -> None:
            if not columns.done():
                parts = [part for one in answers for part in one.result()]
                columns.set_result(join_group(group, parts))

        # Replies arrive in the order of the requests.
        answers[-1].add_done_callback(join)
        return columns

    def _should_use_thread(self, group: RecordGroup) -> bool:
        """Whether a group is large, or others are before it. The checker is for one thread at a
        time.
        """
        return self._in_thread > 0 or sum(map(len, group)) >= WORKER_MIN_RECORDS

    def _count_checked(self, _: object) -> None:
        self._in_thread -= 1

    def _send(self, request: RecordGroup) -> asyncio.Future[list[BatchColumns]]:
        pending = _PendingRequest(request, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._worker is not None:  # else the worker has just died, and `_run` checks it
            self._worker.send(_groups.encode(request))
        return pending.reply

    def _should_use_worker(self, group: RecordGroup) -> bool:
        if not self._can_use_worker:
            return False
        if self._pending:
            return True  # keeps the order: earlier groups are still with the worker
        if sum(map(len, group)) < WORKER_MIN_RECORDS:
            return False
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return self._worker is not None

    def _check_here(self, group: RecordGroup) -> list[BatchColumns]:
        return [check_records(records, self._checker) for records in group]

    async def _run(self) -> None:
        """Run the worker and deliver its replies; after its death the writer checks everything."""
        try:
            await self._run_worker()
        except (ChannelError, OSError) as error:
            log.error(
                "checking worker failed, records are checked in the writer",
                extra={"context": {"error": str(error)}},
            )
        self._can_use_worker = False
        while self._pending:
            pending = self._pending.popleft()
            pending.reply.set_result(self._check_here(pending.group))

    async def _run_worker(self) -> None:
        worker = await WorkerProcess.start(
            "checking worker",
            [__name__, *self._arguments],
            _replies,
            frame_max_bytes=FRAME_MAX_BYTES,
            # It works for the writer alone, so both share the priority of one session.
            has_own_session=False,
        )
        # The worker checks by the writer's manifests, whatever has become of the files since.
        worker.send(_manifests.encode(self._manifests))
        self._worker = worker
        watching = asyncio.create_task(self._kill_if_hanging(worker))
        try:
            while True:
                reply = await worker.receive()
                self._pending.popleft().reply.set_result(reply)
        finally:
            self._worker = None
            watching.cancel()
            await worker.stop()

    async def _kill_if_hanging(self, worker: WorkerProcess[list[BatchColumns]]) -> None:
        """Kill the worker if it does not reply to a request. A deadline for every reply would cost
        a tenth of what the writer does for checking.
        """
        oldest: _PendingRequest | None = None
        while True:
            await asyncio.sleep(self._reply_timeout_s)
            previous, oldest = oldest, self._pending[0] if self._pending else None
            if oldest is not None and oldest is previous:
                log.error(
                    "checking worker hangs", extra={"context": {"timeout_s": self._reply_timeout_s}}
                )
                await worker.kill()
                return

    async def close(self) -> None:
        """Stop the worker or thread; pending requests are never completed."""
        if self._thread is not None:
            self._thread.shutdown(cancel_futures=True)
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))


def split_group(group: RecordGroup) -> list[list[Sequence[Record]]]:
    """Split a group into requests of at most REQUEST_RECORDS. A request may hold several batches,
    and a batch may need several requests.
    """
    requests: list[list[Sequence[Record]]] = []
    room = 0
    for records in group:
        for start in range(0, len(records) or 1, REQUEST_RECORDS):
            part = records[start : start + REQUEST_RECORDS]
            if not requests or len(part) > room:
                requests.append([])
                room = REQUEST_RECORDS
            requests[-1].append(part)
            room -= len(part)
    return requests


def join_group(group: RecordGroup, parts: Sequence[BatchColumns]) -> list[BatchColumns]:
    """Join the parts that `split_group` made back to one per batch."""
    left = iter(parts)
    return [
        join_parts([next(left) for _ in range(0, len(records) or 1, REQUEST_RECORDS)])
        for records in group
    ]


def join_parts(parts: Sequence[BatchColumns]) -> BatchColumns:
    """The parts as one. Each part but the last is of REQUEST_RECORDS records."""
    if len(parts) == 1:
        return parts[0]
    whole = BatchColumns([], [], [], [], [], [], [], [])
    keys, series, bodies = list[bytes](), list[int](), list[bytes]()
    for number, part in enumerate(parts):
        events, names = len(keys), len(whole.names)
        keys += part.keys
        bodies += part.bodies
        series += [names + index for index in part.series]
        whole.names += part.names
        whole.versions += part.versions
        whole.sparse += [events + index for index in part.sparse]
        whole.requests += [(events + index, request_id) for index, request_id in part.requests]
        whole.refusals += [
            refused._replace(place=number * REQUEST_RECORDS + refused.place)
            for refused in part.refusals
        ]
    whole.keys, whole.series, whole.bodies = keys, series, bodies
    return whole


# --- in the worker process -----------------------------------------------------------------------


def serve(channel: WorkerChannel, checker: Checker) -> None:
    """Check groups until the writer ends; the next group is checked while a reply is written."""
    with ThreadPoolExecutor(1) as answering:
        last: Future[None] | None = None
        while (request := channel.receive()) is not None:
            group = _groups.decode(request)
            reply = _replies.encode([check_records(records, checker) for records in group])
            if last is not None:
                last.result()
            last = answering.submit(channel.send, reply)


def main() -> None:
    """Check for the parent writer until it closes the pipe or dies."""
    scope_id, max_bytes, own_scope = sys.argv[1:]
    lifecycle.ignore_interrupt()
    lifecycle.prepare_for_batches()
    channel = WorkerChannel(FRAME_MAX_BYTES)
    if (manifests := channel.receive()) is None:
        return
    checker = Checker(
        scope_id or None, int(max_bytes), _manifests.decode(manifests), own_scope=own_scope or None
    )
    with contextlib.suppress(BrokenPipeError):
        serve(channel, checker)


if __name__ == "__main__":
    main()
