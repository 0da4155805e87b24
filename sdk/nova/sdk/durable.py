"""Durable files: write a new file, fsync it, rename it, fsync the folder."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import uuid
from pathlib import Path

from nova.sdk.errors import NovaError
from nova.sdk.regular_file import open_regular

STORED_MODE = 0o640
"""The mode of files of an archive that a group may read, if the umask of the process allows it."""

STORED_FOLDER_MODE = 0o750

NEW_SUFFIX = ".new"
FILE_MODE = 0o600
"""Files are private to their user."""


def replace(path: Path, content: bytes, mode: int = FILE_MODE) -> None:
    """Replace a file atomically; the new content is durable when this returns. The umask applies to
    `mode`. After an error the earlier content is still there.
    """
    fresh = path.with_name(path.name + NEW_SUFFIX)
    # A killed process may have left it, with another mode.
    fresh.unlink(missing_ok=True)
    try:
        _write_new(fresh, content, mode)
        move(fresh, path)
    except (OSError, NovaError):
        _discard(fresh)
        raise


def replace_by_copy(path: Path, source: Path, mode: int = FILE_MODE) -> None:
    """`replace` by a copy of a file, which may be on another file system and of any size."""
    fresh = path.with_name(path.name + NEW_SUFFIX)
    fresh.unlink(missing_ok=True)
    try:
        with source.open("rb") as content, os.fdopen(_open_new(fresh, mode), "wb") as out:
            shutil.copyfileobj(content, out)
            out.flush()
            os.fsync(out.fileno())
        move(fresh, path)
    except (OSError, NovaError):
        _discard(fresh)
        raise


def create(path: Path, content: bytes) -> bool:
    """Create a private file, whole and durable; False if it exists. Of several processes that
    create it at once, the first one's content stays.
    """
    draft = path.with_name(f"{path.name}.{uuid.uuid4()}")
    try:
        _write_new(draft, content, FILE_MODE)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        _discard(draft)
    sync_folder(path.parent)
    return True


def move(source: Path, path: Path) -> None:
    """Rename a file on its file system, replacing a file at `path`; durable when this returns."""
    try:
        source.replace(path)
    except IsADirectoryError:
        raise _folder_error(path) from None
    sync_folder(path.parent)


def truncate(path: Path, size_bytes: int) -> None:
    """Truncate a file; durable when this returns."""
    with path.open("r+b") as file:
        file.truncate(size_bytes)
        os.fsync(file.fileno())
    sync_folder(path.parent)


def read(path: Path) -> bytes:
    """The content of a file; raises NovaError if it is a folder, and OSError."""
    try:
        with open_regular(path) as file:
            return file.readall()
    except IsADirectoryError:
        raise _folder_error(path) from None


def sync_folder(folder: Path) -> None:
    """Fsync a folder, which makes the names in it durable."""
    sync_file(folder)


def sync_file(path: Path) -> None:
    """Fsync a file, whoever has written it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file_system(folder: Path) -> None:
    """Make all writes to the file system of a folder durable, by syncfs(2)."""
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    with os.fdopen(_open_new(path, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _open_new(path: Path, mode: int) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)


def _discard(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _folder_error(path: Path) -> NovaError:
    return NovaError(f"{path} is a folder, but NOVA keeps a file there: move it away")
