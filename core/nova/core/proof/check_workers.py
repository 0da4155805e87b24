"""The worker processes of `nova verify`, seen from it."""

from __future__ import annotations

import secrets
import selectors
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from nova.core.ordering import SERIES_BYTES
from nova.core.proof.check_messages import (
    REPLIES,
    REQUESTS,
    ArchiveOpened,
    CheckFailure,
    CheckReply,
    CheckRequest,
    EventsChecked,
)
from nova.core.proof.piece_check import PieceOutcome
from nova.core.store.given_back import Deletions
from nova.sdk.errors import NovaError
from nova.sdk.worker_process import BlockingWorker

SECRET_VARIABLE = "PYTHONHASHSEED"
"""Python's variable: the processes of one check have to hash rows alike."""

SECRET_MAX = 2**32 - 1
LEAF_BYTES = 32
AHEAD_MAX_PIECES = 4
"""Pieces for each worker that are checked before an earlier one is done."""


class CheckWorkers:
    """Workers for the duration of a block. `last_times` are their archives' last times: all of them
    hold everything up to the oldest.
    """

    def __init__(self, data: Path, count: int) -> None:
        self._data = data
        self._count = count
        self._workers: list[BlockingWorker[CheckReply]] = []
        self.last_times: list[int] = []
        self.deletions: list[Deletions] = []

    def __enter__(self) -> Self:
        secret = {SECRET_VARIABLE: str(1 + secrets.randbelow(SECRET_MAX))}
        try:
            for number in range(self._count):
                arguments = ["nova.cli", "core", "check-worker", "--data", str(self._data)]
                worker = BlockingWorker(f"process {number}", arguments, REPLIES, variables=secret)
                self._workers.append(worker)
            opened = [self._opened(worker) for worker in self._workers]
            self.last_times = [one.last_ns for one in opened]
            self.deletions = [one.deletions for one in opened]
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        for worker in self._workers:
            worker.close_pipes()
        for worker in self._workers:
            worker.stop()

    def _opened(self, worker: BlockingWorker[CheckReply]) -> ArchiveOpened:
        reply = _outcome(worker).reply
        if not isinstance(reply, ArchiveOpened):
            raise NovaError(f"a process sent {type(reply).__name__}, not ArchiveOpened")
        return reply

    def check(self, requests: Sequence[CheckRequest]) -> Iterator[PieceOutcome]:
        """The outcome of each request, in their order."""
        ahead = AHEAD_MAX_PIECES * len(self._workers)
        done: dict[int, PieceOutcome] = {}
        running: dict[int, int] = {}
        sent = next_place = 0
        with selectors.DefaultSelector() as selector:
            for number, worker in enumerate(self._workers):
                selector.register(worker, selectors.EVENT_READ, number)
            while next_place < len(requests):
                for number, worker in enumerate(self._workers):
                    if number not in running and sent < min(len(requests), next_place + ahead):
                        worker.send(REQUESTS.encode(requests[sent]))
                        running[number] = sent
                        sent += 1
                for key, _ in selector.select():
                    outcome = _outcome(self._workers[key.data])
                    done[running.pop(key.data)] = outcome
                while next_place in done:
                    yield done.pop(next_place)
                    next_place += 1


def _outcome(worker: BlockingWorker[CheckReply]) -> PieceOutcome:
    """The next reply; raises NovaError if the worker failed or has ended."""
    reply, body = worker.receive()
    if isinstance(reply, CheckFailure):
        raise NovaError(reply.reason)
    if not isinstance(reply, EventsChecked):
        return PieceOutcome(reply)
    leaves = len(body) // (LEAF_BYTES + SERIES_BYTES) * LEAF_BYTES
    return PieceOutcome(
        reply, _cut(bytes(body[:leaves]), LEAF_BYTES), _cut(bytes(body[leaves:]), SERIES_BYTES)
    )


def _cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]
