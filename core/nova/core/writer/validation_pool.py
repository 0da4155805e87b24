"""Validation pool: checks large groups of records in a worker process and small ones in the writer.

Checking a record takes about as long as storing it; in one process the second core would be idle.
Checking depends on the record alone, so a worker that dies loses nothing: the writer checks its
records. At low rates batches are small, and the round trip to the worker would only add latency
(docs/decisions/0004-checking-beside-committing.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, NamedTuple

import msgspec

from nova.core.writer.columns import BatchColumns, check_records
from nova.sdk import lifecycle, pipe_buffer
from nova.sdk.events.checker import Checker, RecordTuple
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.transport.base import Record

WORKER_MIN_RECORDS = 200
"""Least records in a group that is worth the round trip to the worker."""

REQUEST_RECORDS = 500
"""Most records in a request: its data stays in the processor's cache until the reply, and the two
processes work on neighbouring requests concurrently.
"""

READ_MAX_BYTES = 4 * 1024 * 1024
SIZE_BYTES = 4
STOP_TIMEOUT_S = 5.0

RecordGroup = Sequence[Sequence[Record]]
"""Batches that are checked together."""

log = logging.getLogger(__name__)

_encoder = msgspec.msgpack.Encoder()
# Plain tuples: decoding to a class would take twice as long.
_groups: msgspec.msgpack.Decoder[list[list[RecordTuple]]] = msgspec.msgpack.Decoder(
    list[list[RecordTuple]]
)
_manifests: msgspec.msgpack.Decoder[list[CardManifest]] = msgspec.msgpack.Decoder(
    list[CardManifest]
)
_replies: msgspec.msgpack.Decoder[list[BatchColumns]] = msgspec.msgpack.Decoder(list[BatchColumns])


class _PendingRequest(NamedTuple):
    group: RecordGroup
    reply: asyncio.Future[list[BatchColumns]]


class ValidationPool:
    """Checks groups of batches in order, in this process or in the worker."""

    def __init__(
        self,
        checker: Checker,
        scope_id: str | None,
        max_bytes: int,
        manifests: Sequence[CardManifest] = (),
        own_scope: str | None = None,
    ) -> None:
        self._checker = checker
        self._manifests = list(manifests)
        self._arguments = [scope_id or "", str(max_bytes), own_scope or ""]
        self._requests: asyncio.WriteTransport | None = None
        self.process_id: int | None = None
        """Of the worker, while it accepts requests."""

        self._pending: deque[_PendingRequest] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._can_use_worker = _cores() > 1

    def check(self, group: RecordGroup) -> asyncio.Future[list[BatchColumns]]:
        """Start to check a group; the future gets the columns of each batch. Groups complete in the
        order in which they began.
        """
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

    def _send(self, request: RecordGroup) -> asyncio.Future[list[BatchColumns]]:
        asked = _PendingRequest(request, asyncio.get_running_loop().create_future())
        self._pending.append(asked)
        if self._requests is not None:  # else the worker has just died, and `_run` checks it
            self._requests.writelines(_frame(request))
        return asked.reply

    def _should_use_worker(self, group: RecordGroup) -> bool:
        if not self._can_use_worker:
            return False
        if self._pending:
            return True  # keeps the order: earlier groups are still with the worker
        if sum(map(len, group)) < WORKER_MIN_RECORDS:
            return False
        if self._worker is None:
            self._worker = asyncio.create_task(self._run())
        return self._requests is not None

    def _check_here(self, group: RecordGroup) -> list[BatchColumns]:
        return [check_records(records, self._checker) for records in group]

    async def _run(self) -> None:
        """Run the worker and deliver its replies; after its death the writer checks everything."""
        try:
            await self._run_worker()
        except (asyncio.IncompleteReadError, msgspec.DecodeError, OSError) as error:
            log.error(
                "checking worker failed, records are checked in the writer",
                extra={"context": {"error": str(error)}},
            )
        self._can_use_worker = False
        while self._pending:
            asked = self._pending.popleft()
            asked.reply.set_result(self._check_here(asked.group))

    async def _run_worker(self) -> None:
        # An explicit pipe: asyncio would use a socket, which buffers only part of a request.
        theirs, ours = os.pipe()
        pipe_buffer.enlarge(ours)
        pipe = os.fdopen(ours, "wb", buffering=0)
        requests, _ = await asyncio.get_running_loop().connect_write_pipe(
            asyncio.BaseProtocol, pipe
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", __name__, *self._arguments),
                stdin=theirs,
                stdout=PIPE,
                limit=READ_MAX_BYTES,
            )
        finally:
            os.close(theirs)
        # The worker checks by the writer's manifests, whatever has become of the files since.
        requests.writelines(_frame(self._manifests))
        self._requests, self.process_id = requests, process.pid
        try:
            await self._deliver_replies(process)
        finally:
            self._requests = self.process_id = None
            if not requests.is_closing():
                requests.abort()
            await stop_process(process)

    async def _deliver_replies(self, process: Process) -> None:
        assert process.stdout is not None
        while True:
            size = int.from_bytes(await process.stdout.readexactly(SIZE_BYTES), "big")
            reply = _replies.decode(await process.stdout.readexactly(size))
            self._pending.popleft().reply.set_result(reply)

    async def close(self) -> None:
        """Stop the worker; pending requests are never completed."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait((self._worker,))


def _frame(message: RecordGroup | list[BatchColumns] | list[CardManifest]) -> tuple[bytes, bytes]:
    """A message and its size prefix: a request, a reply, or the manifests before all requests."""
    frame = _encoder.encode(message)
    return len(frame).to_bytes(SIZE_BYTES, "big"), frame


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


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
    """Append the other parts to the first. Each part but the last is of REQUEST_RECORDS records."""
    whole = parts[0]
    for number, part in enumerate(parts[1:], 1):
        events, names = len(whole.keys), len(whole.names)
        whole.keys += part.keys
        whole.bodies += part.bodies
        whole.series += [names + index for index in part.series]
        whole.names += part.names
        whole.requests += [(events + index, request_id) for index, request_id in part.requests]
        whole.refusals += [
            refused._replace(place=number * REQUEST_RECORDS + refused.place)
            for refused in part.refusals
        ]
    return whole


async def stop_process(process: Process) -> None:
    """Wait for a process whose stdin is closed; kill it after STOP_TIMEOUT_S."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# --- in the worker process -----------------------------------------------------------------------


def serve(source: IO[bytes], sink: IO[bytes], checker: Checker) -> None:
    """Check groups until `source` ends; the next group is checked while a reply is written."""
    with ThreadPoolExecutor(1) as answering:
        last: Future[None] | None = None
        while frame := _read_frame(source):
            group = _groups.decode(frame)
            framed = _frame([check_records(records, checker) for records in group])
            if last is not None:
                last.result()
            last = answering.submit(_reply, sink, framed)


def _read_frame(source: IO[bytes]) -> bytes:
    """The next frame, empty at the end."""
    return source.read(int.from_bytes(source.read(SIZE_BYTES), "big"))


def _reply(sink: IO[bytes], framed: tuple[bytes, bytes]) -> None:
    sink.writelines(framed)
    sink.flush()


def main() -> None:
    """Check for the parent writer until it closes the pipe or dies."""
    scope_id, max_bytes, own_scope = sys.argv[1:]
    lifecycle.ignore_interrupt()
    lifecycle.collect_garbage_rarely()
    pipe_buffer.enlarge(sys.stdout.buffer)
    source = sys.stdin.buffer
    if not (frame := _read_frame(source)):
        return
    checker = Checker(
        scope_id or None, int(max_bytes), _manifests.decode(frame), own_scope=own_scope or None
    )
    with contextlib.suppress(BrokenPipeError):
        serve(source, sys.stdout.buffer, checker)


if __name__ == "__main__":
    main()
