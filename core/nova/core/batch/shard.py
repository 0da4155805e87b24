"""The shard process: reads requests from stdin until it closes, and replies on stdout."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path
from queue import SimpleQueue

from nova.core.batch.frame_buffer import FrameBuffer
from nova.core.batch.range_pieces import RangePieces
from nova.core.batch.shard_sinks import deliver
from nova.core.store.archive import Archive
from nova.sdk import lifecycle, pipe_buffer
from nova.sdk.batch.shard_messages import (
    BlockReply,
    ReadRequest,
    ShardFailure,
    ShardJob,
    ShardRequest,
    SinkRequest,
    SplitReply,
    SplitRequest,
    decode_request,
)
from nova.sdk.errors import NovaError

MEMORY_BYTES = 256 * 1024 * 1024
"""Block cache. A shard reads forwards; in source time, late events make it return to blocks that it
read about an hour of data earlier.
"""

EXIT_TIMEOUT_S = 2.0
"""Time to exit normally after stdin is closed, before the process is ended."""

SWITCH_INTERVAL_S = 0.0005
"""Short, so that the writing thread gets the interpreter lock between two blocks."""


def serve(data: Path) -> None:
    """Reply to requests until stdin closes."""
    lifecycle.collect_garbage_rarely()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Output that a user's function prints must not get between the frames.
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    frame_buffer = FrameBuffer(stdout)
    requests: SimpleQueue[ShardRequest | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        _work(data, requests, frame_buffer)
    except NovaError as error:
        frame_buffer.put(ShardFailure(reason=str(error)))
        frame_buffer.flush()
    except BrokenPipeError:
        pass  # The parent process has ended the replay.


def _listen(requests: SimpleQueue[ShardRequest | None]) -> None:
    """Queue requests; after stdin closes, end the process even if it is still working."""
    for line in pipe_buffer.lines(sys.stdin.fileno()):
        requests.put(decode_request(line))
    requests.put(None)
    threading.Event().wait(EXIT_TIMEOUT_S)
    os._exit(1)


def _work(
    data: Path, requests: SimpleQueue[ShardRequest | None], frame_buffer: FrameBuffer
) -> None:
    # A secondary keeps only its log in its folder. Removed right after opening, the folder cannot
    # be left behind by a SIGKILL.
    with tempfile.TemporaryDirectory(prefix="nova-shard-") as scratch:
        archive = Archive.open_secondary(data, Path(scratch), MEMORY_BYTES)
    try:
        archive.record.check_schema()
        job = requests.get()
        if not isinstance(job, ShardJob):
            return
        pieces = RangePieces(data, archive, job)
        while (request := requests.get()) is not None:
            _handle(pieces, request, frame_buffer)
    finally:
        archive.close()


def _handle(pieces: RangePieces, request: ShardRequest, frame_buffer: FrameBuffer) -> None:
    match request:
        case SplitRequest():
            frame_buffer.put(SplitReply(mark=pieces.watermark, pieces=pieces.split(request)))
        case ReadRequest():
            for block in pieces.read(request.start_ns, request.stop_ns, request.after):
                head = BlockReply(events=block.events, after=block.after, is_last=block.is_last)
                frame_buffer.put(head, block.lines)
        case SinkRequest():
            deliver(pieces, request, frame_buffer)
