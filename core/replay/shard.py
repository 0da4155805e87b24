"""The shard process: reads requests from stdin until it closes, and replies on stdout."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path
from queue import SimpleQueue

from core.replay.outbox import Outbox
from core.replay.pieces import Replay
from core.replay.sinks import bring
from core.store import catalog
from core.store.archive import Archive
from sdk import lifecycle
from sdk.errors import NovaError
from sdk.shards.messages import (
    Block,
    Cut,
    Failed,
    Job,
    Planned,
    Read,
    Request,
    Sink,
    decode_request,
)

MEMORY_BYTES = 256 * 1024 * 1024
"""Block cache. A shard reads forwards; in source time, late events make it return to blocks that it
read about an hour of data earlier.
"""

LEAVING_MAX_S = 2.0
"""Time to exit normally after stdin is closed, before the process is ended."""

SWITCH_INTERVAL_S = 0.0005
"""Short, so that the writing thread gets the interpreter lock between two blocks."""


def serve(data: Path) -> None:
    """Reply to requests until stdin closes."""
    lifecycle.collect_seldom()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Output that a user's function prints must not get between the frames.
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    frame_buffer = Outbox(stdout)
    requests: SimpleQueue[Request | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        _work(data, requests, frame_buffer)
    except NovaError as error:
        frame_buffer.put(Failed(reason=str(error)))
        frame_buffer.flush()
    except BrokenPipeError:
        pass  # The parent process has ended the replay.


def _listen(requests: SimpleQueue[Request | None]) -> None:
    """Queue requests; after stdin closes, end the process even if it is still working."""
    for line in sys.stdin.buffer:
        requests.put(decode_request(line))
    requests.put(None)
    threading.Event().wait(LEAVING_MAX_S)
    os._exit(1)


def _work(data: Path, requests: SimpleQueue[Request | None], outbox: Outbox) -> None:
    # A secondary keeps only its log in its folder. Removed right after opening, the folder cannot
    # be left behind by a SIGKILL.
    with tempfile.TemporaryDirectory(prefix="nova-shard-") as scratch:
        archive = Archive.open_secondary(data, Path(scratch), MEMORY_BYTES)
    try:
        catalog.check_schema(archive.get("catalog", catalog.SCHEMA_KEY), archive.path)
        job = requests.get()
        if not isinstance(job, Job):
            return
        pieces = Replay(data, archive, job)
        while (request := requests.get()) is not None:
            _answer(pieces, request, outbox)
    finally:
        archive.close()


def _answer(replay: Replay, request: Request, outbox: Outbox) -> None:
    match request:
        case Cut():
            outbox.put(Planned(mark=replay.mark, pieces=replay.cut(request)))
        case Read():
            for block in replay.read(request.start_ns, request.stop_ns, request.after):
                head = Block(events=block.events, after=block.after, is_last=block.is_last)
                outbox.put(head, block.lines)
        case Sink():
            bring(replay, request, outbox)
