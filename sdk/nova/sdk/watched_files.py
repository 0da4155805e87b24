"""Files that operators change while a process runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

POLL_S = 1.0
SUFFIXES = (".toml", ".json")

_Look = tuple[object, ...]


class WatchedFiles:
    """A file, or the `*.toml` and `*.json` of a folder. Create it before they are read."""

    def __init__(self, path: Path, poll_s: float = POLL_S) -> None:
        self.path = path
        self._poll_s = poll_s
        self._read = self._look()

    async def changed(self) -> None:
        """Return once they differ from when they were read, and no longer change: not in the middle
        of a copy, nor between the steps in which an editor saves.
        """
        before = self._read
        while True:
            await asyncio.sleep(self._poll_s)
            now = await asyncio.to_thread(self._look)
            if now == before and now != self._read:
                self._read = now
                return
            before = now

    def _look(self) -> _Look:
        try:
            if not self.path.is_dir():
                return (self._facts(self.path),)
            paths = sorted(path for path in self.path.iterdir() if path.suffix in SUFFIXES)
        except OSError as error:
            return (error.errno,)
        return tuple((path.name, self._facts(path)) for path in paths)

    def _facts(self, path: Path) -> _Look:
        """What changes with a file, also if it is replaced by one of the same size and date."""
        try:
            found = path.stat()
        except OSError as error:
            return (error.errno,)
        return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
