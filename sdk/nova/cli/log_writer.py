"""The thread that writes what all processes of an instance log: to the log file, or to stderr."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time

from nova.cli.log_file import LogFile
from nova.sdk.log_format import JsonFormatter

QUEUE_MAX_LINES = 20_000
BATCH_MAX_LINES = 1_000
CLOSE_TIMEOUT_S = 10.0
FAULT_INTERVAL_S = 60.0
"""How often it is said that the file cannot be written."""


class LogWriter:
    """A queue of lines and the thread that writes them. Without a file, or while that cannot be
    written, they go to the descriptor of stderr.
    """

    def __init__(
        self,
        process: str,
        file: LogFile | None,
        stderr: int,
        queue_max_lines: int = QUEUE_MAX_LINES,
    ) -> None:
        self._format = JsonFormatter(process)
        self._file = file
        self._stderr = stderr
        self._queue: queue.Queue[bytes | None] = queue.Queue(queue_max_lines)
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)
        self._fault_said_s = -FAULT_INTERVAL_S

    def start(self) -> None:
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Queue a line; waits while the queue is full."""
        self._queue.put(line)

    def offer(self, line: bytes) -> bool:
        """Queue a line unless the queue is full; returns whether it was."""
        try:
            self._queue.put_nowait(line)
        except queue.Full:
            return False
        return True

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """Write all lines that are queued and end. A disk that hangs is waited for so long."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=timeout_s)
            self._thread.join(timeout_s)
        if not self._thread.is_alive() and self._file is not None:
            self._file.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            lines = [self._queue.get()]
            with contextlib.suppress(queue.Empty):
                while len(lines) < BATCH_MAX_LINES and lines[-1] is not None:
                    lines.append(self._queue.get_nowait())
            is_open = lines[-1] is not None
            if content := b"".join(line for line in lines if line is not None):
                self._write(content)

    def _write(self, content: bytes) -> None:
        if self._file is not None:
            try:
                self._file.write(content)
                return
            except Exception as error:  # Whatever it is, nobody would log it otherwise.
                self._say_fault(error)
        self._write_to_stderr(content)

    def _say_fault(self, error: Exception) -> None:
        now_s = time.monotonic()
        if now_s - self._fault_said_s < FAULT_INTERVAL_S:
            return
        self._fault_said_s = now_s
        record = logging.LogRecord(
            __name__, logging.ERROR, "", 0, "the log file cannot be written; see stderr", (), None
        )
        record.context = {"why": str(error)}
        self._write_to_stderr(self._format.format(record).encode() + b"\n")

    def _write_to_stderr(self, content: bytes) -> None:
        view = memoryview(content)
        with contextlib.suppress(OSError):  # Nobody reads it any more.
            while view:
                view = view[os.write(self._stderr, view) :]
