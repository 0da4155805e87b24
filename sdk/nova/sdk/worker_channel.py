"""The worker's side of `worker_process.py`: its frames on stdin and stdout."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from queue import SimpleQueue
from typing import TypeVar

from nova.sdk import pipe_buffer
from nova.sdk.channel import FRAME_MAX_BYTES, ChannelError, FrameCodec, FrameReader, write_frame

RequestT = TypeVar("RequestT")

EXIT_STATUS = 1

log = logging.getLogger(__name__)


class WorkerChannel:
    """Requests from the parent and replies to it. There is one in a process, which it changes: what
    drivers and users' functions print goes to stderr and cannot get between the replies.
    """

    def __init__(self, frame_max_bytes: int = FRAME_MAX_BYTES) -> None:
        self.descriptor = os.dup(sys.stdout.fileno())
        """Where replies are written."""

        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        pipe_buffer.enlarge(self.descriptor)
        self._requests = FrameReader(sys.stdin.fileno(), frame_max_bytes)

    def receive(self) -> bytes | bytearray | None:
        """The next request, not decoded; None once the parent has closed stdin or ended."""
        frame = self._requests.read()
        return None if frame is None else frame.head

    def send(self, head: bytes) -> None:
        """Send a reply; raises BrokenPipeError if the parent has ended."""
        write_frame(self.descriptor, head)

    def listen(
        self, requests: FrameCodec[RequestT], exit_timeout_s: float
    ) -> SimpleQueue[RequestT | None]:
        """The requests, read by a thread, and None at their end. The process is ended
        `exit_timeout_s` after that, even if it is still working.
        """
        received: SimpleQueue[RequestT | None] = SimpleQueue()

        def listen() -> None:
            try:
                while (head := self.receive()) is not None:
                    received.put(requests.decode(head))
            except ChannelError as error:
                log.error("request cannot be read", extra={"context": {"error": str(error)}})
            received.put(None)
            time.sleep(exit_timeout_s)
            os._exit(EXIT_STATUS)

        threading.Thread(target=listen, daemon=True, name="requests").start()
        return received
