"""Temporary folders of a process, in the system's temporary folder or another one.

A killed process leaves its folder behind. Each folder holds a locked file, and the kernel releases
the lock when the process ends. So the next folder of the same name removes those of dead processes
and never a live one's, even if that is stopped or its process id was reused. A folder is renamed
before it is removed: the rest of one whose lock is gone already is recognised by its name. One
that was killed before its folder had the lock is recognised by the folder's age.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = ".lock"
REMOVED_SUFFIX = ".removed"
"""Ends the name of a folder that is being removed."""


UNLOCKED_MAX_S = 3_600
"""Age from which on a folder without a lock is of a dead process: one gets it in milliseconds."""


@contextlib.contextmanager
def scratch_folder(name: str, parent: Path | None = None) -> Iterator[Path]:
    """A folder that exists while the block runs. Removes those of this name of dead processes."""
    prefix = f"nova-{name}-"
    remove_stale(name, parent)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        with _locked(folder):
            try:
                yield folder
            finally:
                _remove(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # One that could not be locked.


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a locked file in the folder; it is renamed into place only after it is locked."""
    fresh = folder / f"{LOCK_FILE}.new"
    descriptor = os.open(fresh, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fresh.rename(folder / LOCK_FILE)
        yield
    finally:
        os.close(descriptor)


def remove_stale(name: str, parent: Path | None = None) -> None:
    """Remove the folders of this name of dead processes."""
    for folder in Path(parent or tempfile.gettempdir()).glob(f"nova-{name}-*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    """Remove the folder, unless its lock is held or may be missing yet; raises OSError."""
    if folder.name.endswith(REMOVED_SUFFIX):
        shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if folder.stat().st_mtime < time.time() - UNLOCKED_MAX_S:
            _remove(folder)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(folder)
    finally:
        os.close(descriptor)


def _remove(folder: Path) -> None:
    """Remove a folder whose lock nobody else holds."""
    removed = folder.with_name(folder.name + REMOVED_SUFFIX)
    with contextlib.suppress(OSError):
        folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)
