"""A process's own folder for what need not outlive it, among the system's temporary ones.

A process that is killed leaves its folder. Each holds a locked file, which a kill unlocks, so
whoever makes the next one of the same name knows those of the dead, and never removes a living
one's: not if it is stopped, and not if another process has got its number.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

LOCK_FILE = ".lock"


@contextlib.contextmanager
def scratch_folder(name: str) -> Iterator[Path]:
    """A folder while the block runs; those of this name that the dead have left are removed."""
    prefix = f"nova-{name}-"
    _sweep(prefix)
    folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    with folder as path, _locked(Path(path)):
        yield Path(path)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a locked file in a folder; it is never there unlocked before the block ends."""
    fresh = folder / f"{LOCK_FILE}.new"
    descriptor = os.open(fresh, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fresh.rename(folder / LOCK_FILE)
        yield
    finally:
        os.close(descriptor)


def _sweep(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            _remove_if_dead(folder)


def _remove_if_dead(folder: Path) -> None:
    """Remove a folder whose lock nobody holds; raises OSError where it is held, or not there."""
    descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    finally:
        os.close(descriptor)
