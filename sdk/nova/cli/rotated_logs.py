"""Rotated log files: their names, their compression, and how many are kept."""

from __future__ import annotations

import contextlib
import gzip
import logging
import os
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from nova.sdk import durable

COMPRESSED_SUFFIX = ".gz"
PART_SUFFIX = ".part"
COPY_BYTES = 1024 * 1024
DAY_S = 86_400.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogRetention:
    """How long, and up to which total size, rotated logs are kept."""

    days: float
    total_bytes: int


class RotatedLogs:
    """The rotated files beside a log file, `nova.log.TIME-NUMBER.gz`, which sort by time."""

    def __init__(self, path: Path, retention: LogRetention) -> None:
        self._path = path
        self._retention = retention
        self._lock = threading.Lock()
        self._tidying: threading.Thread | None = None

    def next_name(self, now_s: float) -> Path:
        """A name for the file that is rotated now, behind those of the same second: the number of
        one that was removed is not used again, so that names sort by time.
        """
        stem = time.strftime(f"{self._path.name}.%Y-%m-%dT%H%M%S", time.gmtime(now_s))
        names = [path.name for path in self._files() if path.name.startswith(f"{stem}-")]
        last = int(names[-1].removeprefix(f"{stem}-").split(".")[0]) if names else -1
        return self._path.with_name(f"{stem}-{last + 1:03}")

    def tidy_in_background(self) -> None:
        """Compress and remove in a thread; the log does not wait for it."""
        self._tidying = threading.Thread(target=self.tidy, name="rotated logs")
        self._tidying.start()

    def wait(self) -> None:
        """Wait for the thread."""
        if self._tidying is not None:
            self._tidying.join()

    def tidy(self) -> None:
        """Compress what is not yet compressed, also by a process that was killed; then remove what
        is too old or too much.
        """
        with self._lock:
            try:
                for path in self._files():
                    if path.suffix == PART_SUFFIX:
                        path.unlink()
                    elif path.suffix != COMPRESSED_SUFFIX:
                        _compress(path)
                self._remove_excess()
            except OSError as error:
                log.error("rotated logs remain as they are", extra={"context": {"why": str(error)}})

    def _remove_excess(self) -> None:
        oldest_s = time.time() - self._retention.days * DAY_S
        room = self._retention.total_bytes
        for path in reversed(self._files()):
            found = path.stat()
            room -= found.st_size
            if room < 0 or found.st_mtime < oldest_s:
                path.unlink()

    def _files(self) -> list[Path]:
        """All rotated files, oldest first. Other names beside the log are left alone."""
        pattern = f"{self._path.name}.[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*"
        return sorted(self._path.parent.glob(pattern))


def _compressed(path: Path) -> Path:
    return path.with_name(path.name + COMPRESSED_SUFFIX)


def _compress(path: Path) -> None:
    """Replace a file by its compressed form, with the same mode and time; a kill at any moment
    leaves one of both whole.
    """
    part = path.with_name(path.name + PART_SUFFIX)
    found = path.stat()
    try:
        with path.open("rb") as source, gzip.open(part, "wb") as target:
            shutil.copyfileobj(source, target, COPY_BYTES)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.chmod(part, found.st_mode & 0o777)
        os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns))
        durable.move(part, _compressed(path))
        path.unlink()
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
