"""Free disk that is left to truth: what can be made again, as exports and daily files, stops before
the disk is full, so that ingest never does because of it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

MIB = 1024 * 1024


class DiskReserveError(OSError):
    """Writing so much would leave truth too little disk."""


class Reserve:
    """How much a folder's disk must keep free; nothing where truth is on another disk."""

    def __init__(self, folder: Path, size_bytes: int, data: Path | None = None) -> None:
        self._folder = folder
        self.size_bytes = size_bytes
        self._applies = data is None or _device(folder) == _device(data)

    def free_bytes(self) -> int:
        """How much may still be written before the reserve begins; below 0 within it."""
        if not self._applies or self.size_bytes == 0:
            return 2**63 - 1
        found = os.statvfs(_nearest(self._folder))
        return found.f_bavail * found.f_frsize - self.size_bytes

    def leave(self, size: int) -> None:
        """Raise DiskReserveError where so many bytes more would be of the reserve."""
        left = self.free_bytes() - size
        if left < 0:
            raise DiskReserveError(
                errno.ENOSPC,
                f"{self.size_bytes // MIB:,} MiB of the disk are kept for truth, and "
                f"{-left // MIB + 1:,} MiB of them would be needed: free some disk, or set "
                "`reserve_mib`",
            )


NONE = Reserve(Path("/"), 0)
"""Nothing is kept free."""


def _device(folder: Path) -> int:
    return _nearest(folder).stat().st_dev


def _nearest(folder: Path) -> Path:
    """A folder, or the first above it that is there."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())
