"""What NOVA keeps is its user's own: folders of mode 0700 and files of mode 0600, whatever the
umask, and what was made before is mended.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from sdk.errors import NovaError

FOLDER_MODE = 0o700
FILE_MODE = 0o600
OTHERS = 0o077
"""The bits of a mode that let anybody but the owner in."""

log = logging.getLogger(__name__)


def begin() -> None:
    """From now on this process makes nothing that others may read: RocksDB and SQLite make their
    files by the umask alone. For processes that keep data, not for commands that write where their
    user says.
    """
    os.umask(OTHERS)


def make_folder(path: Path) -> None:
    """Make a folder for its owner only, if it is not there; those above it are made so too."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)


def mend(*paths: Path, deep: bool = True) -> None:
    """Close files and folders, and all that is in them if `deep`, to all but their owner, and say
    so where any were open; what belongs to another user is said and left, and no symlink is
    followed.
    """
    for path in paths:
        mended, failed = 0, ""
        for entry, name, descriptor in _open_to_others(path, deep):
            try:
                os.chmod(name, entry & ~OTHERS, dir_fd=descriptor)
                mended += 1
            except OSError as error:
                failed = str(error.strerror)
        context = {"path": str(path), "entries": mended}
        if mended:
            log.warning(
                "could be read by other users, and is closed to them now",
                extra={"context": context},
            )
        if failed:
            log.error(
                "can be read by other users", extra={"context": {**context, "reason": failed}}
            )


def _open_to_others(path: Path, deep: bool) -> Iterator[tuple[int, str | Path, int | None]]:
    """Modes and names of what others may enter or read, from the path itself on, with the folder
    that each name is in.
    """
    try:
        mode = path.lstat().st_mode
    except OSError:
        return
    if stat.S_ISLNK(mode):
        return
    if mode & OTHERS:
        yield stat.S_IMODE(mode), path, None
    if not deep or not stat.S_ISDIR(mode):
        return
    for _, folders, files, descriptor in os.fwalk(path, follow_symlinks=False):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):
                inner = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
                if inner & OTHERS and not stat.S_ISLNK(inner):
                    yield stat.S_IMODE(inner), name, descriptor


def is_own(path: Path) -> bool:
    """Whether a folder is there, this user's, closed to all others, and no symlink."""
    try:
        return _fault(path.lstat()) is None
    except OSError:
        return False


def check_folder(path: Path) -> None:
    """Raise NovaError where a folder is there and not this user's own: whoever made it first could
    listen in.
    """
    try:
        fault = _fault(path.lstat())
    except FileNotFoundError:
        return
    except OSError as error:
        raise NovaError(f"{path} cannot be looked at: {error.strerror}") from error
    if fault is not None:
        raise NovaError(
            f"{path} {fault}, so that others may have made it or may enter it: remove it, or have "
            "XDG_RUNTIME_DIR name a folder of your own of mode 0700"
        )


def _fault(found: os.stat_result) -> str | None:
    """Why a folder is not this user's own, None if it is."""
    if stat.S_ISLNK(found.st_mode):
        return "is a symlink"
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if found.st_uid != os.getuid():
        return f"belongs to user {found.st_uid}"
    if found.st_mode & OTHERS:
        return f"has mode {stat.S_IMODE(found.st_mode):04o}"
    return None
