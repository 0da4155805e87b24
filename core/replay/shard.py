"""The shard process: takes requests from its stdin until that closes, and answers on its stdout."""

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
"""A shard reads forwards; in source time it comes back to what came late, an hour or so ahead."""

LEAVING_MAX_S = 2.0
"""What a shard is given to leave by itself once its stdin is closed."""

SWITCH_INTERVAL_S = 0.0005
"""The thread that writes wants the interpreter for a moment between blocks, and should have it."""


def serve(data: Path) -> None:
    """Answer requests until stdin closes."""
    lifecycle.collect_seldom()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # What a function of others prints must not stand between the frames.
    stdout = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    outbox = Outbox(stdout)
    requests: SimpleQueue[Request | None] = SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        _work(data, requests, outbox)
    except NovaError as error:
        outbox.put(Failed(reason=str(error)))
        outbox.flush()
    except BrokenPipeError:
        pass  # The replay has ended without us.


def _listen(requests: SimpleQueue[Request | None]) -> None:
    """Take in requests; at their end leave, whatever is going on."""
    for line in sys.stdin.buffer:
        requests.put(decode_request(line))
    requests.put(None)
    threading.Event().wait(LEAVING_MAX_S)
    os._exit(1)


def _work(data: Path, requests: SimpleQueue[Request | None], outbox: Outbox) -> None:
    # A secondary keeps nothing but its log in its folder; gone at once, no SIGKILL can leave it.
    with tempfile.TemporaryDirectory(prefix="nova-shard-") as scratch:
        archive = Archive.open_secondary(data, Path(scratch), MEMORY_BYTES)
    try:
        catalog.check_schema(archive.get("catalog", catalog.SCHEMA_KEY), archive.path)
        job = requests.get()
        if not isinstance(job, Job):
            return
        replay = Replay(data, archive, job)
        while (request := requests.get()) is not None:
            _answer(replay, request, outbox)
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
