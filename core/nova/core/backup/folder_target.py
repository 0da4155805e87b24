"""Backups or a lake in a folder, such as one on another disk."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from nova.core.backup.backup_target import TargetLock
from nova.core.backup.target_use import BACKUPS, TargetUse
from nova.core.disk_reserve import NO_RESERVE, DiskReserve
from nova.sdk import durable, private
from nova.sdk.durable import NEW_SUFFIX
from nova.sdk.errors import NovaError

LOCK_FILE = "lock"
IGNORED = frozenset({LOCK_FILE, "lost+found"})
"""What the root of an empty disk has, and what one has that was only locked."""

NAMED_MAX = 3


class _HeldLock:
    """The kernel keeps the lock for as long as the process holds the file open."""

    def require(self) -> None:
        """It cannot be lost."""


class FolderTarget:
    """A folder that is private to its user."""

    def __init__(
        self, root: Path, reserve: DiskReserve = NO_RESERVE, use: TargetUse = BACKUPS
    ) -> None:
        self._root = root.absolute()
        self._reserve = reserve
        self._use = use

    def __str__(self) -> str:
        return str(self._root)

    def sizes(self, folder: str) -> dict[str, int]:
        top = self._root / folder
        found: dict[str, int] = {}
        with self._errors("read"):
            for place, _, names in os.walk(top, onerror=_raise_unless_missing):
                for name in names:
                    path = Path(place, name)
                    if not name.endswith(NEW_SUFFIX):
                        with contextlib.suppress(FileNotFoundError):  # Pruned meanwhile.
                            found[str(path.relative_to(top))] = path.lstat().st_size
        return found

    def read(self, name: str) -> bytes:
        with self._errors("read", name), (self._root / name).open("rb") as file:
            # What was just written is to be read from the disk, not from the kernel's cache.
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        path = self._root / name
        with self._errors("write", name):
            private.make_folder(path.parent)
            with self._reserve.room(len(content)):
                durable.replace(path, content, private.FILE_MODE)

    def write_file(self, name: str, source: Path) -> None:
        path = self._root / name
        with self._errors("write", name):
            private.make_folder(path.parent)
            with self._reserve.room(source.stat().st_size):
                durable.replace_by_copy(path, source, private.FILE_MODE)

    def remove(self, name: str) -> None:
        with self._errors("remove", name):
            (self._root / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self) -> Iterator[TargetLock]:
        with self._errors("write"):
            private.make_folder(self._root)
            self._refuse_others()
            file = os.fdopen(os.open(self._root / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o600), "r+b")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NovaError(
                    f"another {self._use.work} to {self} is running: wait until it is done, or "
                    "stop it"
                ) from None
            self._remove_unfinished()
            yield _HeldLock()

    def _refuse_others(self) -> None:
        """Raise NovaError if the folder is used for something else."""
        found = set(os.listdir(self._root)) - IGNORED
        others = sorted(name for name in found if not self._use.is_root_name(name))
        if others and not self._use.is_in_use(self):
            raise NovaError(
                f"{self} has {', '.join(others[:NAMED_MAX])} and is no target of "
                f"{self._use.work}s: choose an empty or new folder"
            )

    def _remove_unfinished(self) -> None:
        """Remove what a killed process has left half written; whatever else is here is not ours."""
        for path in self._root.rglob(f"*{NEW_SUFFIX}"):
            name = path.relative_to(self._root).as_posix().removesuffix(NEW_SUFFIX)
            if self._use.is_own(name):
                with self._errors("remove", str(path)):
                    path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _errors(self, verb: str, name: str = "") -> Iterator[None]:
        """Turn an OSError into one NovaError that says what to do."""
        path = self._root / name
        try:
            yield
        except OSError as error:
            if verb == "read" and error.errno == errno.ENOENT:
                raise NovaError(
                    f"{path} is missing: {self._use.content} in {self} are damaged"
                ) from error
            advice = "check the disk and who may use it"
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                advice = "free space there"
                if self._use is BACKUPS:
                    advice += ", or keep fewer backups (--keep)"
            raise NovaError(f"cannot {verb} {path}: {error.strerror}; {advice}") from error


def _raise_unless_missing(error: OSError) -> None:
    """A folder that cannot be listed is not an empty one; one that is missing is."""
    if not isinstance(error, FileNotFoundError):
        raise error
