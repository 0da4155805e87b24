"""A Unix socket that a process serves HTTP at: its file goes when the process ends in order. That
of a killed process is replaced by the next that listens there.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from aiohttp import web

from nova.sdk.endpoints import claim_socket


class OwnSocket(web.UnixSite):
    """Listens at a path from `start` to `stop`. Raises NovaError if another process does."""

    def __init__(self, runner: web.BaseRunner, path: Path) -> None:
        super().__init__(runner, str(claim_socket(path)))
        self._file = path
        self._inode: int | None = None

    async def start(self) -> None:
        await super().start()
        self._inode = os.stat(self._file).st_ino

    async def stop(self) -> None:
        """Listen no longer, and remove the file unless another process has put its own there."""
        await super().stop()
        inode, self._inode = self._inode, None
        with contextlib.suppress(OSError):
            if inode is not None and os.stat(self._file).st_ino == inode:
                self._file.unlink()
