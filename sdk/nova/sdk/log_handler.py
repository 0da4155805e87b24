"""Writes log records as lines of JSON, each in one piece, to stderr or to an output of the caller.

Under `nova up` stderr is a Unix socket whose messages are lines, so that processes that share it
cannot mix theirs, and one that is killed leaves no half of a line.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import socket
import stat
import sys
import threading
from collections.abc import Callable

from nova.sdk.log_format import JsonFormatter
from nova.sdk.repeat_limit import Offer, RepeatLimit

STDERR = 2
SEND_TIMEOUT_S = 3.0
"""How long a line waits for a supervisor that does not read. What is lost is counted and said."""

SUMMARY_INTERVAL_S = 5.0
"""How often it is checked whether a count of suppressed lines is due."""

REPEAT_KEY = "repeat_key"
"""Attribute of a record that is equal for records that repeat each other, where texts differ."""

Output = Callable[[bytes], bool]
"""Writes a line; returns whether it was written."""


class JsonHandler(logging.Handler):
    """A handler of the root logger. `output` receives whole lines."""

    def __init__(self, process: str, output: Output, repeats: RepeatLimit | None = None) -> None:
        super().__init__()
        self.process = process
        self._format = JsonFormatter(process)
        self._output = output
        self._repeats = repeats or RepeatLimit()
        self._summary: threading.Timer | None = None
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless it repeats. Never raises."""
        try:
            self._write_suppressed(record)
            body = self._format.body(record)
            key = getattr(record, REPEAT_KEY, body)
            offer = Offer(body, key, (record.pathname, record.lineno))
            if record.levelno <= logging.DEBUG or self._repeats.admits(offer):
                self._write(record, body)
            elif self._summary is None:
                self._start_summary()
        except Exception:
            self._lost += 1

    def _write(self, record: logging.LogRecord, body: str) -> None:
        if self._lost:
            lost = self._record("log lines were lost", {"lines": self._lost})
            if self._output(self._line(lost, self._format.body(lost))):
                self._lost = 0
        if not self._output(self._line(record, body)):
            self._lost += 1

    def _line(self, record: logging.LogRecord, body: str) -> bytes:
        return f"{{{self._format.time(record)},{body}}}\n".encode("utf-8", "backslashreplace")

    def _write_suppressed(self, now: logging.LogRecord, is_last: bool = False) -> None:
        for one in list(self._repeats.rest() if is_last else self._repeats.due()):
            self._write(now, f'{one.body},"suppressed":{one.lines}')

    def _record(self, message: str, context: dict[str, object]) -> logging.LogRecord:
        record = logging.LogRecord(__name__, logging.ERROR, "", 0, message, (), None)
        record.context = context
        return record

    def _start_summary(self) -> None:
        """Look for counts that are due also if nothing else is logged."""
        self._summary = threading.Timer(SUMMARY_INTERVAL_S, self._summarize)
        self._summary.daemon = True
        self._summary.start()

    def _summarize(self) -> None:
        with contextlib.suppress(Exception):
            self.acquire()
            try:
                self._summary = None
                self._write_suppressed(self._record("", {}))
                if self._repeats.has_suppressed():
                    self._start_summary()
            finally:
                self.release()

    def close(self) -> None:
        """Say what is still suppressed; `logging` calls this when the process ends."""
        with contextlib.suppress(Exception):
            self.acquire()
            try:
                if self._summary is not None:
                    self._summary.cancel()
                self._write_suppressed(self._record("", {}), is_last=True)
            finally:
                self.release()
        super().close()


def stderr_output() -> Output:
    """Lines to stderr, each with one call to the system."""
    if _is_packet_socket(STDERR):
        return _PacketOutput(STDERR)
    return _write_to_stderr


class _PacketOutput:
    """A socket on which a message is a line. A reader that does not read stops no process: once a
    line was lost, later ones do not wait.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._is_stuck = False

    def __call__(self, line: bytes) -> bool:
        timeout_ms = 0 if self._is_stuck else SEND_TIMEOUT_S * 1_000
        self._is_stuck = not self._send(line, timeout_ms)
        return not self._is_stuck

    def _send(self, line: bytes, timeout_ms: float) -> bool:
        for wait_ms in (0, timeout_ms):
            poll = select.poll()
            poll.register(self._socket, select.POLLOUT)
            try:
                if poll.poll(wait_ms):
                    self._socket.send(line, socket.MSG_DONTWAIT)
                    return True
            except BlockingIOError:
                continue
            except OSError:
                return False
        return False


def _is_packet_socket(descriptor: int) -> bool:
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as found:
            return found.type == socket.SOCK_SEQPACKET
    except OSError:
        return False


def _write_to_stderr(line: bytes) -> bool:
    """Write to what `sys.stderr` is: a program may have replaced it."""
    try:
        sys.stderr.flush()
        descriptor = sys.stderr.fileno()
    except (OSError, ValueError, AttributeError):
        return _write_as_text(line)
    view = memoryview(line)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        return False
    return True


def _write_as_text(line: bytes) -> bool:
    try:
        sys.stderr.write(line.decode())
    except (OSError, ValueError, AttributeError):
        return False
    return True
