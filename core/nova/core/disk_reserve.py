"""Disk space reserved for the archive: exports and daily files, which can be made again, stop
before the disk is full, so that they never stop ingest.

A look at the free space and the write that follows are one step: all processes of an instance take
turns by a lock on the data folder, so that no two of them count the same space.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

MIB = 1024 * 1024
BLOCK_BYTES = MIB
FILE_BLOCK_BYTES = 4_096
"""By which a file grows on most file systems."""


class DiskReserveError(OSError):
    """A write would use disk space that is reserved for the archive."""


class DiskReserve:
    """The bytes that `folder`'s disk must keep free; none if the archive is on another disk."""

    def __init__(self, folder: Path, size_bytes: int, data: Path | None = None) -> None:
        self._folder = folder
        self.size_bytes = size_bytes
        self._applies = data is None or _device(folder) == _device(data)
        self._locked_folder = data or folder
        self._lock_descriptor: int | None = None
        self._turn = threading.Lock()
        self._thread_in_turn = 0
        self._left_in_turn = 0

    def free_bytes(self) -> int:
        """Bytes that may be written before the reserve is touched; negative inside it."""
        if not self._applies or self.size_bytes == 0:
            return 2**63 - 1
        if self._is_in_turn():
            return self._left_in_turn
        disk = os.statvfs(_nearest(self._folder))
        return disk.f_bavail * disk.f_frsize - self.size_bytes

    @contextlib.contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Write `size` bytes in the block, while no other process does; raises DiskReserveError
        if they would use the reserve.
        """
        if not self._applies or self.size_bytes == 0:
            yield
            return
        with self.turn():
            self.require_room(size)
            self._left_in_turn -= -(-size // FILE_BLOCK_BYTES) * FILE_BLOCK_BYTES
            yield

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Write several times in the block, for a moment only, after one look at the free space:
        other processes wait until it ends.
        """
        if not self._applies or self.size_bytes == 0 or self._is_in_turn():
            yield
            return
        with self._turn, self._locked():
            self._left_in_turn = self.free_bytes()
            self._thread_in_turn = threading.get_ident()
            try:
                yield
            finally:
                self._thread_in_turn = 0

    def _is_in_turn(self) -> bool:
        return self._thread_in_turn == threading.get_ident()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Exclude other processes, where the file system has such locks."""
        if self._lock_descriptor is None:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            self._lock_descriptor = os.open(_nearest(self._locked_folder), flags)
        with contextlib.suppress(OSError):
            fcntl.flock(self._lock_descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._lock_descriptor, fcntl.LOCK_UN)

    def __del__(self) -> None:
        if (descriptor := getattr(self, "_lock_descriptor", None)) is not None:
            os.close(descriptor)

    def require_room(self, size: int) -> None:
        """Raise DiskReserveError if writing `size` bytes would use the reserve."""
        left = self.free_bytes() - size
        if left < 0:
            raise DiskReserveError(
                errno.ENOSPC,
                f"writing {self._folder} would use {-left // MIB + 1:,} MiB of the "
                f"{self.size_bytes // MIB:,} MiB of disk that are reserved for the archive: free "
                "some disk, or set `reserve_mib`",
            )


class _ReservedFile(io.FileIO):
    """A file whose every write has to leave the reserve."""

    def __init__(self, descriptor: int, reserve: DiskReserve) -> None:
        super().__init__(descriptor, "wb")
        self._disk_reserve = reserve

    def write(self, data: Buffer) -> int:
        with self._disk_reserve.room(memoryview(data).nbytes):
            return super().write(data)


def reserved_file(descriptor: int, reserve: DiskReserve) -> BinaryIO:
    """A buffered file to write to an open descriptor; raises DiskReserveError as soon as a block
    would use the reserve. A look before the first byte is not enough: other exports, and the
    archive, write meanwhile.
    """
    return io.BufferedWriter(_ReservedFile(descriptor, reserve), BLOCK_BYTES)


NO_RESERVE = DiskReserve(Path("/"), 0)


def _device(folder: Path) -> int:
    return _nearest(folder).stat().st_dev


def _nearest(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
