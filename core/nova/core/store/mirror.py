"""Mirrors: open an archive that is on a read-only file system.

rocksdict writes a file of its own beside the database at every opening. Where it cannot, a scratch
folder gets links to the archive's files, and the database is opened there.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from nova.core.scratch import scratch_folder

BINDING_FILE = "rocksdict-config.json"
NOT_LINKED = frozenset({BINDING_FILE, "LOCK", "LOG"})
"""Files that an opening writes; the mirror gets its own."""


def needs_mirror(path: Path) -> bool:
    """Whether rocksdict could not write its file at `path`."""
    own = path / BINDING_FILE
    return not os.access(own if own.exists() else path, os.W_OK)


class Mirror:
    """A folder of links to a database's files; `refresh` follows the changes of its writer."""

    def __init__(self, origin: Path) -> None:
        self._origin = origin.resolve()
        self._stack = contextlib.ExitStack()
        self.path = self._stack.enter_context(scratch_folder("mirror")) / origin.name
        self.path.mkdir()
        self._linked: set[str] = set()

    def refresh(self) -> None:
        """Link new files and remove links to deleted ones."""
        there = set(os.listdir(self._origin)) - NOT_LINKED
        for name in there - self._linked:
            (self.path / name).symlink_to(self._origin / name)
        for name in self._linked - there:
            (self.path / name).unlink()
        self._linked = there

    def close(self) -> None:
        self._stack.close()
