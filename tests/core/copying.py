"""Copies of folders whose files a database still works on."""

from __future__ import annotations

import shutil
from pathlib import Path

Listing = dict[str, tuple[int, int, int]]


def copy_unchanged(source: Path, target: Path, *ignored: str) -> Path:
    """Copy a folder as it was at one moment: again, until nothing has changed meanwhile.

    An open database merges and removes files in the background. What nothing is written to comes
    to rest by itself.
    """
    while True:
        before = _listing(source)
        try:
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*ignored))
        except (FileNotFoundError, shutil.Error):
            unchanged = False  # A file went away under the copy.
        else:
            unchanged = _listing(source) == before
        if unchanged:
            return target
        shutil.rmtree(target, ignore_errors=True)


def _listing(folder: Path) -> Listing:
    found: Listing = {}
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        found[str(path)] = status.st_ino, status.st_size, status.st_mtime_ns
    return found
