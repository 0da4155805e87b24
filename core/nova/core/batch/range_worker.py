"""The worker process of replays and exports: opens a secondary of the archive, reads requests from
its channel until that closes, and replies.
"""

from __future__ import annotations

import errno
import sys
import tempfile
from pathlib import Path
from queue import SimpleQueue

from nova.core.batch.frame_buffer import FrameBuffer
from nova.core.batch.range_outputs import (
    Delivery,
    OutputTooLargeError,
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

EXIT_TIMEOUT_S = 2.0
"""Time to exit normally after stdin is closed, before the process is ended."""

SWITCH_INTERVAL_S = 0.0005
"""Short, so that the writing thread gets the interpreter lock between two slices."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def serve(data: Path, *, is_background: bool) -> None:
    """Reply to requests until stdin closes; in the background, with few resources."""
    lifecycle.collect_garbage_rarely()
    if is_background:
        lifecycle.raise_file_limit()
        lifecycle.take_lowest_priority()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    channel = WorkerChannel()
    frame_buffer = FrameBuffer(channel.descriptor)
    requests = channel.listen(REQUESTS, EXIT_TIMEOUT_S)
    memory_bytes = BACKGROUND_MEMORY_BYTES if is_background else MEMORY_BYTES
    try:
        _work(data, memory_bytes, requests, frame_buffer)
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
            _handle(reader, request, frame_buffer)
    finally:
        archive.close()


def _handle(reader: RangeReader, request: WorkerRequest, frame_buffer: FrameBuffer) -> None:
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
            _read(reader, request, frame_buffer)
        case PackRequest():
            from nova.core.batch.driver_files import pack_export

            frame_buffer.put(pack_export(reader, request))


def _read(reader: RangeReader, request: ReadRequest, frame_buffer: FrameBuffer) -> None:
    delivery = Delivery(reader, request, frame_buffer.put)
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
