"""File permissions: data of NOVA is private to its user, with folders of mode 0700 and files of
mode 0600 whatever the umask. Older files with wider modes are corrected.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from nova.sdk import durable
from nova.sdk.errors import NovaError

FOLDER_MODE = 0o700
FILE_MODE = durable.FILE_MODE
OTHERS_MASK = 0o077
"""The mode bits that give access to others than the owner."""

log = logging.getLogger(__name__)


def restrict_umask() -> None:
    """Set the process's umask to private, since RocksDB and SQLite create files by the umask alone.
    For processes that keep data, not for commands that write where their user says.
    """
    os.umask(OTHERS_MASK)


def make_folder(path: Path) -> None:
    """Create a private folder and its missing parents, durably. Raises NovaError if a file or a
    link to nothing has its name.
    """
    if not path.is_dir():
        make_folder(path.parent)
        try:
            path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        except FileExistsError:
            kind = (
                f"a link to {path.readlink()}, which is missing" if path.is_symlink() else "a file"
            )
            raise NovaError(
                f"{path} is {kind}, but NOVA keeps a folder there: move it away"
            ) from None
        # What is synced in the folder is durable only if the folder's own name is.
        with contextlib.suppress(PermissionError):  # A parent that this user may not list.
            durable.sync_folder(path.parent)


def make_file(path: Path) -> None:
    """Create an empty private file if there is none, before a library opens it by the umask.

    A file that exists is not opened: closing it would drop the POSIX locks that this process has on
    it. SQLite in another process would then take its last connection for the last of all and remove
    the write-ahead log that this one still reads.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, FILE_MODE))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path)) from None


def remove_others_access(*paths: Path, deep: bool = True) -> None:
    """Remove others' access from paths and, if `deep`, from everything in them, and log it. Files
    of another user are logged and left; symlinks are not followed.
    """
    for path in paths:
        mended, failed = 0, ""
        for entry, name, descriptor in _accessible_to_others(path, deep):
            try:
                os.chmod(name, entry & ~OTHERS_MASK, dir_fd=descriptor)
                mended += 1
            except OSError as error:
                failed = str(error.strerror)
        context = {"path": str(path), "entries": mended}
        if mended:
            log.warning(
                "was accessible to other users; access removed",
                extra={"context": context},
            )
        if failed:
            log.error(
                "is accessible to other users", extra={"context": {**context, "reason": failed}}
            )


def _accessible_to_others(path: Path, deep: bool) -> Iterator[tuple[int, str | Path, int | None]]:
    """Mode, name and folder descriptor of each entry that others can access, the path included."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISLNK(mode):
        return
    if mode & OTHERS_MASK:
        yield stat.S_IMODE(mode), path, None
    if not deep or not stat.S_ISDIR(mode):
        return
    for _, folders, files, descriptor in os.fwalk(path, follow_symlinks=False):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                inner = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
                if inner & OTHERS_MASK and not stat.S_ISLNK(inner):
                    yield stat.S_IMODE(inner), name, descriptor


def is_own(path: Path) -> bool:
    """Whether a folder exists, belongs to this user, is private, and is not a symlink."""
    try:
        return _privacy_problem(path.lstat()) is None
    except OSError:
        return False


def check_folder(path: Path) -> None:
    """Raise NovaError if a folder exists that is not private to this user: its creator could
    connect to the sockets in it.
    """
    try:
        fault = _privacy_problem(path.lstat())
    except FileNotFoundError:
        return
    except OSError as error:
        raise NovaError(f"cannot check {path}: {error.strerror}") from error
    if fault is not None:
        raise NovaError(
            f"{path} {fault}, so other users may have created it or may enter it: remove it, or "
            "set XDG_RUNTIME_DIR to a folder of your own with mode 0700"
        )


def _privacy_problem(found: os.stat_result) -> str | None:
    """Why a folder is not private to this user; None if it is."""
    if stat.S_ISLNK(found.st_mode):
        return "is a symlink"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if found.st_uid != os.getuid():
        return f"belongs to user {found.st_uid}"
    if found.st_mode & OTHERS_MASK:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}"
    return None
