"""Checking beside the committing: many records go to a process of their own, few are checked here.

Checking a record and storing it take about as long; in one process the second core would be idle.
Checking depends on nothing but the record, so a process that dies loses nothing: what it had is
checked here. At low rates batches are small, and the way to another process and back would only
make them late (docs/decisions/0004).
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

from core.writer.ingest import Incoming, check_records
from sdk import lifecycle, pipes
from sdk.checker import Arrived, Checker
from sdk.manifest import CardManifest
from sdk.transport.base import Record

WORTHWHILE_RECORDS = 200
"""So many at once are worth the way to the other process."""

REQUEST_RECORDS = 500
"""A request is no larger, so that what it holds is still in the processor's cache when it is
answered, and the two processes work on neighbouring requests at once.
"""

READ_MAX_BYTES = 4 * 1024 * 1024
SIZE_BYTES = 4
STOP_TIMEOUT_S = 5.0

Group = Sequence[Sequence[Record]]
"""Some batches that are checked as one."""

log = logging.getLogger(__name__)

_encoder = msgspec.msgpack.Encoder()
# Plain tuples, for a class of their own would take as long again.
_groups: msgspec.msgpack.Decoder[list[list[Arrived]]] = msgspec.msgpack.Decoder(list[list[Arrived]])
_manifests: msgspec.msgpack.Decoder[list[CardManifest]] = msgspec.msgpack.Decoder(
    list[CardManifest]
)
_replies: msgspec.msgpack.Decoder[list[Incoming]] = msgspec.msgpack.Decoder(list[Incoming])


class _Asked(NamedTuple):
    group: Group
    answer: asyncio.Future[list[Incoming]]


class Checking:
    """Checks groups of batches in the order they come, here or in the process beside."""

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
        """Of the process beside, while it takes requests."""

        self._asked: deque[_Asked] = deque()
        self._work: asyncio.Task[None] | None = None
        self._can_help = _cores() > 1

    def begin(self, group: Group) -> asyncio.Future[list[Incoming]]:
        """What the batches hold, soon; a group that is begun later is never ready before."""
        found: asyncio.Future[list[Incoming]] = asyncio.get_running_loop().create_future()
        if not self._is_worthwhile(group):
            found.set_result(self._here(group))
            return found
        answers = [self._ask(request) for request in cut(group)]

        def join(_: object) -> None:
            if not found.done():
                found.set_result(joined(group, [part for one in answers for part in one.result()]))

        # Answers come in the order of asking.
        answers[-1].add_done_callback(join)
        return found

    def _ask(self, request: Group) -> asyncio.Future[list[Incoming]]:
        asked = _Asked(request, asyncio.get_running_loop().create_future())
        self._asked.append(asked)
        if self._requests is not None:  # else the process has just died, and all is checked here
            self._requests.writelines(_framed(request))
        return asked.answer

    def _is_worthwhile(self, group: Group) -> bool:
        if not self._can_help:
            return False
        if self._asked:
            return True  # behind what is there already
        if sum(map(len, group)) < WORTHWHILE_RECORDS:
            return False
        if self._work is None:
            self._work = asyncio.create_task(self._run())
        return self._requests is not None

    def _here(self, group: Group) -> list[Incoming]:
        return [check_records(records, self._checker) for records in group]

    async def _run(self) -> None:
        """Start the process and hand out its answers; after its death all is checked here again."""
        try:
            await self._work_beside()
        except (asyncio.IncompleteReadError, msgspec.DecodeError, OSError) as error:
            log.error("no checking process", extra={"context": {"error": str(error)}})
        self._can_help = False
        while self._asked:
            asked = self._asked.popleft()
            asked.answer.set_result(self._here(asked.group))

    async def _work_beside(self) -> None:
        # A pipe of our own, for asyncio would take a socket, which holds a part of a request only.
        theirs, ours = os.pipe()
        pipes.enlarge(ours)
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
        # It checks by what the writer has read, whatever has become of the files since.
        requests.writelines(_framed(self._manifests))
        self._requests, self.process_id = requests, process.pid
        try:
            await self._hand_out(process)
        finally:
            self._requests = self.process_id = None
            if not requests.is_closing():
                requests.abort()
            await stop_process(process)

    async def _hand_out(self, process: Process) -> None:
        assert process.stdout is not None
        while True:
            size = int.from_bytes(await process.stdout.readexactly(SIZE_BYTES), "big")
            found = _replies.decode(await process.stdout.readexactly(size))
            self._asked.popleft().answer.set_result(found)

    async def close(self) -> None:
        """End the process; what was asked of it is never answered."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait((self._work,))


def _framed(message: Group | list[Incoming] | list[CardManifest]) -> tuple[bytes, bytes]:
    """A request or an answer, behind its size, or the manifests before all requests."""
    frame = _encoder.encode(message)
    return len(frame).to_bytes(SIZE_BYTES, "big"), frame


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def cut(group: Group) -> list[list[Sequence[Record]]]:
    """Requests of at most REQUEST_RECORDS: a batch may be one of several in a request, or need
    several.
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


def joined(group: Group, parts: Sequence[Incoming]) -> list[Incoming]:
    """What the batches of a group hold, of what their parts do."""
    left = iter(parts)
    return [
        join_parts([next(left) for _ in range(0, len(records) or 1, REQUEST_RECORDS)])
        for records in group
    ]


def join_parts(parts: Sequence[Incoming]) -> Incoming:
    """One batch of its parts, each but the last of REQUEST_RECORDS."""
    whole = parts[0]
    for number, part in enumerate(parts[1:], 1):
        events, names = len(whole.keys), len(whole.names)
        whole.keys += part.keys
        whole.bodies += part.bodies
        whole.series += [names + place for place in part.series]
        whole.names += part.names
        whole.requests += [(events + place, request_id) for place, request_id in part.requests]
        whole.refusals += [
            refused._replace(place=number * REQUEST_RECORDS + refused.place)
            for refused in part.refusals
        ]
    return whole


async def stop_process(process: Process) -> None:
    """Wait for a process that has nothing more to read."""
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


# --- in the process beside -----------------------------------------------------------------------


def serve(source: IO[bytes], sink: IO[bytes], checker: Checker) -> None:
    """Answer groups until there are no more; while an answer waits for the writer to take it, the
    next group is checked.
    """
    with ThreadPoolExecutor(1) as answering:
        last: Future[None] | None = None
        while frame := _read_frame(source):
            group = _groups.decode(frame)
            framed = _framed([check_records(records, checker) for records in group])
            if last is not None:
                last.result()
            last = answering.submit(_answer, sink, framed)


def _read_frame(source: IO[bytes]) -> bytes:
    """The next frame, empty once there are no more."""
    return source.read(int.from_bytes(source.read(SIZE_BYTES), "big"))


def _answer(sink: IO[bytes], framed: tuple[bytes, bytes]) -> None:
    sink.writelines(framed)
    sink.flush()


def main() -> None:
    """Check for the writer that has started this process, until that closes its end or dies."""
    scope_id, max_bytes, own_scope = sys.argv[1:]
    lifecycle.outlast_interrupt()
    lifecycle.collect_seldom()
    pipes.enlarge(sys.stdout.buffer)
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
