"""The log file of an instance: one process writes it, in whole lines, and rotates it by size and
by UTC day.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from nova.cli.rotated_logs import RotatedLogs
from nova.sdk import private
from nova.sdk.errors import NovaError

LOG_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class LogFile:
    """An open log file. Another process that opens it is refused."""

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        rotated: RotatedLogs,
        *,
        mode: int = private.FILE_MODE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open or create the file; raises NovaError."""
        self._path = path
        self._max_bytes = max_bytes
        self._rotated = rotated
        self._mode = mode
        self._clock = clock
        try:
            private.make_folder(path.parent)
            self._descriptor = self._open()
        except OSError as error:
            raise NovaError(f"log_file: cannot open {path}: {error.strerror}") from None
        rotated.tidy_in_background()

    def write(self, lines: bytes) -> None:
        """Append whole lines. After an OSError none of them is in the file."""
        self._follow_name()
        if self._is_full(len(lines)) or self._day != _day(self._clock()):
            self._rotate()
        try:
            _write_all(self._descriptor, lines)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        self._size += len(lines)

    def close(self) -> None:
        """Close the file, and wait for compression that is under way."""
        os.close(self._descriptor)
        self._rotated.wait()

    def _is_full(self, further_bytes: int) -> bool:
        return self._size > 0 and self._size + further_bytes > self._max_bytes

    def _open(self) -> int:
        descriptor = os.open(self._path, LOG_FLAGS, self._mode)
        try:
            self._lock(descriptor)
            self._size = _end_with_line(descriptor)
            found = os.fstat(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._identity = (found.st_dev, found.st_ino)
        self._day = _day(found.st_mtime if self._size else self._clock())
        return descriptor

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NovaError(
                f"log_file: another process writes {self._path}: give each instance a file of its "
                "own"
            ) from None

    def _follow_name(self) -> None:
        """Open the file anew if somebody has moved or removed it."""
        try:
            found = self._path.stat()
            is_same = (found.st_dev, found.st_ino) == self._identity
        except FileNotFoundError:
            is_same = False
        if not is_same:
            self._reopen()

    def _rotate(self) -> None:
        """Give the file its final name, and begin a new one. What fails is tried again with the
        next line; until then the file grows.
        """
        if self._size:
            os.rename(self._path, self._rotated.next_name(self._clock()))
        self._reopen()
        self._rotated.tidy_in_background()

    def _reopen(self) -> None:
        before, self._descriptor = self._descriptor, self._open()
        os.close(before)


def _end_with_line(descriptor: int) -> int:
    """End an unfinished last line, which a power cut may leave; returns the file's size."""
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        _write_all(descriptor, b"\n")
        size += 1
    return size


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _day(time_s: float) -> int:
    """The UTC day of a time."""
    return int(time_s // 86_400)
