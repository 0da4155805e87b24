"""The lock of the edge that serves the TCP streams of an archive. It ends with the edge's process,
however that ends; the others then take it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from nova.edge.lock_file import open_lock, try_lock

FILE_NAME = "streams.lock"
READ_MAX_BYTES = 4_096


class LockHolder(msgspec.Struct, rename="camel"):
    """The edge that has the lock."""

    url: str
    pid: int

    def __str__(self) -> str:
        return f"{self.url} (process {self.pid})"

    def ports(self) -> frozenset[int]:
        """The port of its page."""
        port = urlsplit(self.url).port
        return frozenset() if port is None else frozenset((port,))


_decoder = msgspec.json.Decoder(LockHolder)


class TcpStreamLock:
    """The lock of one data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object has the lock."""
        return self._descriptor is not None

    def acquire(self, url: str) -> bool:
        """Take the lock if it is free, for an edge at this URL; whether it is held now."""
        if self._descriptor is not None:
            return True
        descriptor = open_lock(self._path)
        try:
            if not try_lock(descriptor):
                os.close(descriptor)
                return False
            holder = msgspec.json.encode(LockHolder(url, os.getpid()))
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder, 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock up."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with contextlib.suppress(OSError):  # A full disk must not keep the lock.
                os.ftruncate(descriptor, 0)
            os.close(descriptor)


def lock_holder(folder: Path) -> LockHolder | None:
    """The edge that serves the streams of a folder now; None if none does."""
    try:
        descriptor = os.open(folder / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _decoder.decode(os.pread(descriptor, READ_MAX_BYTES, 0))
        return None
    except msgspec.DecodeError:
        return None
    finally:
        os.close(descriptor)


def holder_ports(folder: Path) -> frozenset[int]:
    """The port of the edge that serves the streams of a folder now, if one does."""
    holder = lock_holder(folder)
    return frozenset() if holder is None else holder.ports()
