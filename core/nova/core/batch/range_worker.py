"""The worker process of replays and exports: opens a secondary of the archive, reads requests from
its channel until that closes, and replies.
"""

from __future__ import annotations

import errno
import math
import sys
import tempfile
import time
from pathlib import Path
from queue import SimpleQueue

from nova.core.batch.frame_buffer import FrameBuffer
from nova.core.batch.range_outputs import (
    Delivery,
    OutputTooLargeError,
    SendProgress,
    to_file,
    to_function,
    to_pipe,
)
from nova.core.batch.range_reader import RangeReader
from nova.core.errors import RequestError
from nova.core.store.archive import Archive
from nova.sdk import lifecycle
from nova.sdk.batch.range_messages import (
    REQUESTS,
    DriverOutput,
    FileOutput,
    FunctionOutput,
    PackRequest,
    PipeOutput,
    RangeFailure,
    RangeProgress,
    RangeRequest,
    ReadRequest,
    SplitReply,
    SplitRequest,
    WorkerRequest,
)
from nova.sdk.errors import DriverError, NovaError
from nova.sdk.worker_channel import WorkerChannel

MEMORY_BYTES = 256 * 1024 * 1024
"""Block cache. A worker reads forwards; in source time, late events make it return to blocks that
it read about an hour of data earlier.
"""

BACKGROUND_MEMORY_BYTES = 64 * 1024 * 1024

ORDINARY_S = 10.0
"""Processor time of an export at ordinary priority, as somebody waits for it. A longer one gives
way to all other processes from then on.
"""

EXIT_TIMEOUT_S = 2.0
"""Time to exit normally after stdin is closed, before the process is ended."""

SWITCH_INTERVAL_S = 0.0005
"""Short, so that the writing thread gets the interpreter lock between two slices."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Priority:
    """The priority of a worker: ordinary, until it has used `ordinary_s` of processor time."""

    def __init__(self, ordinary_s: float) -> None:
        self._ordinary_s = ordinary_s

    def lowered_by(self, send: SendProgress) -> SendProgress:
        """`send`, which also lowers the priority when it is time."""

        def send_and_lower(progress: RangeProgress, body: bytes = b"") -> None:
            send(progress, body)
            if time.process_time() > self._ordinary_s:
                self._ordinary_s = math.inf
                lifecycle.take_lowest_priority()

        return send_and_lower


def serve(data: Path, *, is_background: bool) -> None:
    """Reply to requests until stdin closes; in the background, with few resources."""
    lifecycle.prepare_for_batches()
    if is_background:
        lifecycle.raise_file_limit()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    channel = WorkerChannel()
    frame_buffer = FrameBuffer(channel.descriptor)
    requests = channel.listen(REQUESTS, EXIT_TIMEOUT_S)
    memory_bytes = BACKGROUND_MEMORY_BYTES if is_background else MEMORY_BYTES
    try:
        priority = Priority(ORDINARY_S if is_background else math.inf)
        _work(data, memory_bytes, requests, frame_buffer, priority)
    except BrokenPipeError:
        pass  # The parent process has ended the read.
    except (NovaError, OSError) as error:
        frame_buffer.put(_failure(error, "export" if is_background else "replay"))
        frame_buffer.flush()


def _failure(error: NovaError | OSError, what: str) -> RangeFailure:
    """The report of an error, with a code for the client."""
    if isinstance(error, OSError):
        code = "diskFull" if error.errno in DISK_FULL else "disk"
        return RangeFailure(code=code, reason=f"cannot write the {what}: {error.strerror}")
    code = "driver" if isinstance(error, DriverError) else "archive"
    if isinstance(error, RequestError):
        code = error.code
    if isinstance(error, OutputTooLargeError):
        code = "exportTooLarge"
    return RangeFailure(code=code, reason=str(error))


def _work(
    data: Path,
    memory_bytes: int,
    requests: SimpleQueue[WorkerRequest | None],
    frame_buffer: FrameBuffer,
    priority: Priority,
) -> None:
    # A secondary keeps only its log in its folder. Removed right after opening, the folder cannot
    # be left behind by a SIGKILL.
    with tempfile.TemporaryDirectory(prefix="nova-range-") as scratch:
        archive = Archive.open_secondary(data, Path(scratch), memory_bytes)
    try:
        whole = requests.get()
        if not isinstance(whole, RangeRequest):
            return
        reader = RangeReader(data, archive, whole)
        while (request := requests.get()) is not None:
            _handle(reader, request, frame_buffer, priority)
    finally:
        archive.close()


def _handle(
    reader: RangeReader, request: WorkerRequest, frame_buffer: FrameBuffer, priority: Priority
) -> None:
    match request:
        case SplitRequest():
            pieces = reader.split(request)
            reply = SplitReply(
                watermark=reader.watermark,
                given_back=reader.given_back,
                pieces=pieces,
                deleted=reader.deleted(),
            )
            frame_buffer.put(reply)
        case ReadRequest():
            _read(reader, request, priority.lowered_by(frame_buffer.put))
        case PackRequest():
            from nova.core.batch.driver_files import pack_export

            frame_buffer.put(pack_export(reader, request))


def _read(reader: RangeReader, request: ReadRequest, send: SendProgress) -> None:
    delivery = Delivery(reader, request, send)
    match request.output:
        case PipeOutput():
            to_pipe(delivery)
        case FileOutput(path=path):
            to_file(delivery, Path(path))
        case FunctionOutput() as output:
            to_function(delivery, output)
        case DriverOutput() as output:
            # Importing drivers takes a replay a tenth of its start.
            from nova.core.batch.driver_files import DriverFiles

            DriverFiles(delivery, output).write()
