"""The bounded read-ahead of a worker: frames that wait to be written to its pipe."""

from __future__ import annotations

import threading
from collections import deque

from nova.sdk.batch.range_messages import REPLIES, WorkerReply
from nova.sdk.channel import framed, write_all

READ_AHEAD_MAX_BYTES = 32 * 1024 * 1024
"""A little more than a piece, so that a worker reads its next piece while another one's piece is
being consumed.
"""


class FrameBuffer:
    """A bounded queue of frames that a thread writes to a pipe; `put` blocks while it is full."""

    def __init__(self, descriptor: int, max_bytes: int = READ_AHEAD_MAX_BYTES) -> None:
        self._descriptor = descriptor
        self._max_bytes = max_bytes
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._error: OSError | None = None
        threading.Thread(target=self._write, daemon=True, name="outbox").start()

    def put(self, reply: WorkerReply, body: bytes = b"") -> None:
        """Append a frame; raises BrokenPipeError if the pipe's reader has closed it."""
        head = framed(REPLIES.encode(reply), len(body))
        frames = [head, body] if body else [head]
        with self._changed:
            while self._size > self._max_bytes and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            self._frames.extend(frames)
            self._size += sum(map(len, frames))
            self._changed.notify_all()

    def flush(self) -> None:
        """Block until all frames are written."""
        with self._changed:
            while self._size and self._error is None:
                self._changed.wait()

    def _write(self) -> None:
        while True:
            with self._changed:
                while not self._frames:
                    self._changed.wait()
                frame = self._frames[0]
            try:
                write_all(self._descriptor, frame)
            except OSError as error:
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._frames.popleft()
                self._size -= len(frame)
                self._changed.notify_all()
