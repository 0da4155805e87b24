"""The worker processes that read a range in parallel, seen from the process that starts them. They
end with it, however it ends, because it holds the other end of their pipes.
"""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from nova.sdk.batch.range_messages import (
    REPLIES,
    REQUESTS,
    RangeFailure,
    RangePiece,
    RangeProgress,
    RangeRequest,
    ReadRequest,
    SplitReply,
    SplitRequest,
    WorkerReply,
    WorkerRequest,
)
from nova.sdk.errors import NovaError
from nova.sdk.protocol.kept_range import warn_of_deleted
from nova.sdk.worker_process import EXIT_TIMEOUT_S, BlockingWorker, WorkerExitError

ProgressCallback = Callable[[Sequence[RangeProgress]], None]
"""Called with the progress of all workers."""


class RangeFailedError(NovaError):
    """A worker reported a failure."""

    def __init__(self, failure: RangeFailure) -> None:
        super().__init__(failure.reason)
        self.code = failure.code


class WorkerEndedError(NovaError):
    """A worker ended before it had delivered all events."""

    def __init__(self, number: int, status: int | None) -> None:
        super().__init__(
            f"shard {number} ended with status {status} before it had delivered all events; "
            "see its log above"
        )
        self.status = status


class RangeWorker:
    """One worker process."""

    def __init__(self, data: Path, number: int, *, is_background: bool = False) -> None:
        self.number = number
        arguments = ["nova.cli", "core", "range-worker", "--data", str(data)]
        arguments += ["--background"] if is_background else []
        self.process = BlockingWorker(f"shard {number}", arguments, REPLIES)

    def fileno(self) -> int:
        """The descriptor that is readable when a reply arrives."""
        return self.process.fileno()

    def send(self, request: WorkerRequest) -> None:
        """Send a request; raises WorkerEndedError."""
        try:
            self.process.send(REQUESTS.encode(request))
        except WorkerExitError as error:
            raise WorkerEndedError(self.number, error.status) from None

    def reply(self) -> tuple[WorkerReply, bytes | bytearray]:
        """The next reply and its body; raises NovaError if the worker failed or has ended."""
        try:
            reply, body = self.process.receive()
        except WorkerExitError as error:
            raise WorkerEndedError(self.number, error.status) from None
        if isinstance(reply, RangeFailure):
            raise RangeFailedError(reply)
        return reply, body

    def progress(self) -> tuple[RangeProgress, bytes | bytearray]:
        """The next reply to a read."""
        reply, body = self.reply()
        if not isinstance(reply, RangeProgress):
            raise NovaError(f"shard {self.number} sent {type(reply).__name__}, not RangeProgress")
        return reply, body


class RangeWorkers(Sequence[RangeWorker]):
    """The workers of one read, for the duration of a block; they get `exit_timeout_s` to end by
    themselves. `cancel` may be called by another thread.
    """

    def __init__(
        self,
        data: Path,
        count: int,
        *,
        is_background: bool = False,
        exit_timeout_s: float = EXIT_TIMEOUT_S,
    ) -> None:
        self._data = data
        self._count = count
        self._is_background = is_background
        self._exit_timeout_s = exit_timeout_s
        self._workers: list[RangeWorker] = []
        self._lock = threading.Lock()
        self._is_cancelled = False

    def __len__(self) -> int:
        return len(self._workers)

    def __getitem__(self, index: int) -> RangeWorker:  # type: ignore[override]  # no slices
        return self._workers[index]

    def __enter__(self) -> Self:
        try:
            for number in range(self._count):
                self._start(number)
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

    def _start(self, number: int) -> None:
        with self._lock:
            if self._is_cancelled:
                raise NovaError("cancelled")
            worker = RangeWorker(self._data, number, is_background=self._is_background)
            self._workers.append(worker)

    def end(self, first: int = 0) -> None:
        """End the workers from number `first` on."""
        for worker in self._workers[first:]:
            worker.process.close_pipes()
        for worker in self._workers[first:]:
            worker.process.stop(self._exit_timeout_s)

    def cancel(self) -> None:
        """Kill all workers at once, also those that are only being started."""
        with self._lock:
            self._is_cancelled = True
            for worker in self._workers:
                worker.process.kill()

    def plan(self, request: RangeRequest, split: SplitRequest) -> tuple[int, list[RangePiece]]:
        """Send all workers the request with one watermark; returns it, and the first worker's
        pieces.
        """
        first = self._workers[0]
        first.send(request)
        first.send(split)
        planned, _ = first.reply()
        if not isinstance(planned, SplitReply):
            raise NovaError(f"shard {first.number} sent {type(planned).__name__}, not SplitReply")
        request.watermark, request.given_back = planned.watermark, planned.given_back
        warn_of_deleted(planned.deleted)
        for worker in self._workers[1:]:
            worker.send(request)
        return planned.watermark, planned.pieces

    def read(self, reads: Sequence[ReadRequest], watch: ProgressCallback) -> list[RangeProgress]:
        """Run one read per worker at the same time; returns the final progress of each.

        Raises NovaError as soon as one fails.
        """
        latest = [RangeProgress() for _ in reads]
        with selectors.DefaultSelector() as selector:
            for index, (worker, read) in enumerate(zip(self._workers, reads, strict=True)):
                worker.send(read)
                selector.register(worker, selectors.EVENT_READ, index)
            while not all(progress.is_done for progress in latest):
                for key, _ in selector.select():
                    latest[key.data], _ = self._workers[key.data].progress()
                watch(latest)
        return latest
