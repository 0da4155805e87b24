"""Permissions of what an archive stores: private, or readable for the members of one group, who may
replay, verify and copy it. Users, keys and sockets are never readable for them.
"""

from __future__ import annotations

import grp
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from nova.sdk import private
from nova.sdk.errors import SettingsError

SHARED_UMASK = 0o027
SHARED_FOLDER_MODE = 0o2750
"""With the setgid bit, so that what RocksDB creates in it belongs to the group."""

SHARED_FILE_MODE = 0o640

log = logging.getLogger(__name__)


class _ReadingGroup:
    """The group of this process; like the umask there is one."""

    id: int | None = None


_reading = _ReadingGroup()


def restrict_umask(group: str | None) -> None:
    """Let what this process stores be readable for its user and a group, if there is one. Raises
    SettingsError.
    """
    _reading.id = None if group is None else _group_id(group)
    if _reading.id is None:
        private.restrict_umask()
    else:
        os.umask(SHARED_UMASK)


def _group_id(name: str) -> int:
    try:
        found = grp.getgrnam(name).gr_gid
    except KeyError:
        raise SettingsError(
            f"group: there is no group {name[:64]!r} on this machine: create it with groupadd"
        ) from None
    if os.geteuid() != 0 and found not in (os.getegid(), *os.getgroups()):
        raise SettingsError(
            f"group: the user of this process is no member of {name!r}: add it with "
            "usermod -aG, and start NOVA again"
        )
    return found


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, readable as `restrict_umask` has set."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    private.make_folder(path)
    if _reading.id is not None:
        for one in reversed(missing):
            _share(one, None, _reading.id)


def protect(*paths: Path, deep: bool = True) -> None:
    """Give paths, and if `deep` all in them, the permissions that `restrict_umask` has set, and log
    what was changed. Files of another user are logged and left; symlinks are not followed.
    """
    group = _reading.id
    if group is None:
        private.remove_others_access(*paths, deep=deep)
        return
    for path in paths:
        changed, failed = 0, ""
        for name, descriptor in _entries(path, deep):
            try:
                changed += _share(name, descriptor, group)
            except FileNotFoundError:
                continue
            except OSError as error:
                failed = str(error.strerror)
        context = {"path": str(path), "entries": changed}
        if changed:
            log.info("made readable for the group", extra={"context": context})
        if failed:
            log.error(
                "not readable for the group", extra={"context": {**context, "reason": failed}}
            )


def protect_data_folder(data: Path) -> None:
    """Let the group pass through the data folder, or no longer if the setting was removed. Without
    either it keeps its mode: its user has chosen it.
    """
    if _reading.id is not None or data.stat().st_mode & stat.S_ISGID:
        protect(data, deep=False)


def _entries(path: Path, deep: bool) -> Iterator[tuple[str | Path, int | None]]:
    """A path and all in it: names and the descriptors of their folders."""
    yield path, None
    if deep and path.is_dir() and not path.is_symlink():
        for _, folders, files, descriptor in os.fwalk(path, follow_symlinks=False):
            for name in (*folders, *files):
                yield name, descriptor


def _share(name: str | Path, descriptor: int | None, group: int) -> bool:
    """Make a file or folder readable for a group; returns whether it was not."""
    found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
    is_folder = stat.S_ISDIR(found.st_mode)
    mode = SHARED_FOLDER_MODE if is_folder else SHARED_FILE_MODE
    if not is_folder and not stat.S_ISREG(found.st_mode):
        return False
    if found.st_gid == group and stat.S_IMODE(found.st_mode) == mode:
        return False
    if found.st_gid != group:
        os.chown(name, -1, group, dir_fd=descriptor, follow_symlinks=False)
    os.chmod(name, mode, dir_fd=descriptor)
    return True
