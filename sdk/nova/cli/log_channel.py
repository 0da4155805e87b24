"""What a process of an instance writes to its stderr: lines of JSON, and texts of libraries and of
the interpreter, of which lines of JSON are made.
"""

from __future__ import annotations

import logging
import select
import socket
import sys
import threading
from collections.abc import Callable

from nova.sdk.log_format import SOURCE_MEMBER

MESSAGE_MAX_BYTES = 1024 * 1024
TEXT_MAX_BYTES = 32 * 1024
"""Longest text that becomes one line."""

QUIET_S = 0.2
"""A text ends when nothing has followed for this long: a traceback is written piece by piece."""

SEND_BUFFER_BYTES = 256 * 1024

KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_STREAM
"""Elsewhere than on Linux there are no sockets of messages: a line that arrives in pieces is logged
as a text.
"""

log = logging.getLogger("stderr")


class LogChannel:
    """A socket that a process has as its stderr, and the thread that reads it until all processes
    that share it have ended. One message is one line, so theirs never mix.
    """

    def __init__(
        self,
        process: str,
        put: Callable[[bytes], None],
        sockets: tuple[socket.socket, socket.socket] | None = None,
    ) -> None:
        """`sockets`: the reading and the writing one, if they are there already."""
        self._process = process
        self._put = put
        self._ours, self.theirs = sockets or socket.socketpair(socket.AF_UNIX, KIND)
        self.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._text = bytearray()
        self._thread = threading.Thread(target=self._run, name=f"log of {process}", daemon=True)
        self._thread.start()

    def is_open(self) -> bool:
        """Whether a process may still write to it."""
        return self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until all that was written is read, if all processes have ended."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        buffer = bytearray(MESSAGE_MAX_BYTES)
        with self._ours:
            while True:
                self._ours.settimeout(QUIET_S if self._text else None)
                try:
                    size = self._ours.recv_into(buffer)
                except TimeoutError:
                    self._end_text()
                    continue
                except OSError:
                    break
                if not size and self._has_ended():
                    size = self._last_message(buffer)
                    if not size:
                        break
                self._receive(bytes(buffer[:size]))
        self._end_text()

    def _receive(self, message: bytes) -> None:
        if message.startswith(b"{") and message.endswith(b"}\n"):
            self._put(message)
            return
        self._text += message
        if len(self._text) > TEXT_MAX_BYTES:
            self._end_text()

    def _end_text(self) -> None:
        """Log the text, in all its lines, as one line."""
        text = self._text.decode("utf-8", "replace").strip()
        self._text.clear()
        if text:
            log.error("%s", text, extra={SOURCE_MEMBER: self._process})

    def _last_message(self, buffer: bytearray) -> int:
        """The size of a message that was sent between the look at the queue and its end; else 0."""
        try:
            return self._ours.recv_into(buffer, 0, socket.MSG_DONTWAIT)
        except OSError:
            return 0

    def _has_ended(self) -> bool:
        """Whether nobody writes any more: an empty message looks alike."""
        poll = select.poll()
        poll.register(self._ours, 0)
        return any(events & select.POLLHUP for _, events in poll.poll(0))
