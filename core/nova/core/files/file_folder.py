"""A tree of append-only files below one folder. Paths are opened component by component without
following symlinks, so that no link in the tree can redirect a write.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nova.core.disk_reserve import NO_RESERVE, DiskReserve, reserved_file
from nova.core.files.file_compression import COMPRESSED_SUFFIX, compress
from nova.sdk import durable, stored_files
from nova.sdk.durable import STORED_FOLDER_MODE, STORED_MODE
from nova.sdk.errors import NovaError

OPEN_MAX_FILES = 4_096
OPEN_SHARE = 2
"""1/OPEN_SHARE of the process's file descriptor limit is used for these files."""

NEW_SUFFIX = ".new"

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC


class FileChangedError(NovaError):
    """Another process changed a file; appending to it would leave a gap."""


class FileFolder:
    """A folder with an LRU cache of open files."""

    def __init__(
        self,
        root: Path,
        reserve: DiskReserve = NO_RESERVE,
        open_max_files: int = OPEN_MAX_FILES,
        *,
        compresses: bool = False,
    ) -> None:
        """`compresses`: files that are complete are compressed."""
        self.root = root
        self.reserve = reserve
        self.compresses = compresses
        stored_files.make_folder(root)
        self._root = os.open(root, _FOLDER_FLAGS)
        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._open_max = max(1, min(open_max_files, allowed // OPEN_SHARE))
        self._open_files: OrderedDict[str, int] = OrderedDict()
        self._is_unsynced = False
        self.written_bytes = 0
        """Bytes appended to files."""

    def append(self, path: str, size: int, data: bytes) -> None:
        """Append to a file that has `size` bytes; with size 0 it is created. Raises
        FileChangedError if it has another size, OSError if the write fails or would need the disk
        reserve.
        """
        self.reserve.require_room(len(data))  # Before a file is made.
        try:
            descriptor = self._descriptor(path, os.O_RDWR | (0 if size else os.O_CREAT))
        except FileNotFoundError:
            if not size:
                raise
            raise self._changed_error(path, size, None) from None
        self.require_size(path, size)
        self._is_unsynced = True
        self.written_bytes += len(data)
        view = memoryview(data)
        with self.reserve.room(len(data)):
            while view:
                written = os.pwrite(descriptor, view, size)
                view, size = view[written:], size + written

    def require_size(self, path: str, size: int) -> None:
        """Raise FileChangedError unless a file has `size` bytes; with size 0 it may be missing."""
        found, descriptor = self._stat(path), self._open_files.get(path)
        if (found.st_size if found is not None else 0) != size:
            raise self._changed_error(path, size, found)
        if descriptor is None:
            return
        # The open file may have been renamed or removed since.
        if found is None or found.st_ino != os.fstat(descriptor).st_ino:
            raise self._changed_error(path, size, found)

    def require_unmoved(self) -> None:
        """Raise FileChangedError if the folder was removed, moved or replaced."""
        here = os.stat(self.root, follow_symlinks=False) if self.root.exists() else None
        if here is None or here.st_ino != os.fstat(self._root).st_ino:
            raise FileChangedError(f"{self.root} was removed or moved")

    def _stat(self, path: str) -> os.stat_result | None:
        try:
            return os.stat(path, dir_fd=self._root, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _changed_error(
        self, path: str, size: int, found: os.stat_result | None
    ) -> FileChangedError:
        now = "is missing" if found is None else f"has {found.st_size} bytes"
        if found is not None and found.st_size == size:
            now = "was replaced by another file"
        return FileChangedError(
            f"{self.root / path} had {size} bytes when last written, and now {now}"
        )

    def truncate(self, path: str, size: int) -> bool:
        """Truncate a file to `size` bytes; False if it has fewer."""
        try:
            descriptor = self._open_file(path, os.O_RDWR)
        except FileNotFoundError:
            return size == 0
        try:
            if os.fstat(descriptor).st_size < size:
                return False
            os.ftruncate(descriptor, size)
            return True
        finally:
            os.close(descriptor)

    def _descriptor(self, path: str, flags: int) -> int:
        descriptor = self._open_files.get(path)
        if descriptor is None:
            while len(self._open_files) >= self._open_max:
                os.close(self._open_files.popitem(last=False)[1])
            descriptor = self._open_files[path] = self._open_file(path, flags)
        self._open_files.move_to_end(path)
        return descriptor

    def _open_file(self, path: str, flags: int) -> int:
        with self._parent(path, make=bool(flags & os.O_CREAT)) as (parent, name):
            return os.open(name, flags | _FILE_FLAGS, STORED_MODE, dir_fd=parent)

    @contextlib.contextmanager
    def _parent(self, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        *folders, name = path.split("/")
        descriptor = os.dup(self._root)
        try:
            for folder in folders:
                try:
                    inner = os.open(folder, _FOLDER_FLAGS, dir_fd=descriptor)
                except FileNotFoundError:
                    if not make:
                        raise
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(folder, STORED_FOLDER_MODE, dir_fd=descriptor)
                    inner = os.open(folder, _FOLDER_FLAGS, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor, name
        finally:
            os.close(descriptor)

    def size(self, path: str) -> int | None:
        """The size of a file in bytes, None if it does not exist."""
        descriptor = self._open_files.get(path)
        if descriptor is not None:
            return os.fstat(descriptor).st_size
        try:
            with self._parent(path) as (parent, name):
                return os.stat(name, dir_fd=parent, follow_symlinks=False).st_size
        except FileNotFoundError:
            return None

    def read(self, path: str) -> BinaryIO:
        return os.fdopen(self._open_file(path, os.O_RDONLY), "rb")

    @contextlib.contextmanager
    def replace_file(self, path: str, size: int = 0) -> Iterator[BinaryIO]:
        """Write a file of about `size` bytes that replaces `path` when the block ends without
        error; durable after the next `sync`. After an error it is removed; one is raised as soon as
        a write would need the disk reserve.
        """
        fresh = path + NEW_SUFFIX
        self.remove(fresh)
        self.reserve.require_room(size)
        try:
            descriptor = self._open_file(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            with reserved_file(descriptor, self.reserve) as file:
                yield file
        except BaseException:
            self.remove(fresh)
            raise
        self._is_unsynced = True
        with self._parent(path) as (parent, name):
            os.replace(name + NEW_SUFFIX, name, src_dir_fd=parent, dst_dir_fd=parent)

    def compress(self, path: str) -> None:
        """Make the compressed file of a file, if that exists, which stays; durable after the
        next `sync`.
        """
        size = self.size(path)
        if size is not None:
            with self.read(path) as source, self.replace_file(path + COMPRESSED_SUFFIX) as out:
                compress(source, size, out)

    def is_compressed(self, path: str) -> bool:
        """Whether there is a compressed file of this file, which is complete."""
        return self.size(path + COMPRESSED_SUFFIX) is not None

    def remove(self, path: str) -> None:
        """Remove a file if it exists."""
        descriptor = self._open_files.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)
        with contextlib.suppress(FileNotFoundError), self._parent(path) as (parent, name):
            os.unlink(name, dir_fd=parent)

    def paths(self) -> list[str]:
        """All files, sorted by path; a symlink counts as a file."""
        found: list[str] = []
        for folder, folders, names in os.walk(self.root):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            head = Path(folder).relative_to(self.root)
            found += [(head / name).as_posix() for name in (*names, *links)]
        return sorted(found)

    def sync(self) -> None:
        """Make all writes durable.

        There may be thousands of files, so syncfs(2) is used instead of one fsync per file.
        """
        if self._is_unsynced:
            durable.sync_file_system(self.root)
            self._is_unsynced = False

    def close(self) -> None:
        for descriptor in self._open_files.values():
            os.close(descriptor)
        self._open_files.clear()
        if self._root >= 0:
            os.close(self._root)
            self._root = -1


def remove_tree(path: Path) -> None:
    """Remove a folder with its contents, or a symlink in its place, if it exists."""
    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)
