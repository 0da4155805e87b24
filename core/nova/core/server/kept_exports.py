"""Retention of finished exports: a cap on their total size, and removal of the oldest when the
disk becomes short.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import NamedTuple

from nova.core.disk_reserve import DiskReserve

ZIP_SUFFIX = ".zip"
MARGIN_BYTES = 64 * 1024 * 1024
"""Finished exports are removed when free space comes this close to the reserve. The margin covers
what running exports write between two checks.
"""

log = logging.getLogger(__name__)


class FinishedExport(NamedTuple):
    finished_s: float
    path: Path
    size: int


class KeptExports:
    """The finished exports in one folder."""

    def __init__(
        self, folder: Path, max_bytes: int, reserve: DiskReserve, margin_bytes: int = MARGIN_BYTES
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._reserve = reserve
        self._margin_bytes = margin_bytes

    def size_bytes(self) -> int:
        """The size of all finished exports."""
        return sum(one.size for one in self._oldest_first())

    def make_room(self, size: int) -> None:
        """Remove the oldest until another `size` bytes are within the cap."""
        finished = self._oldest_first()
        total = size + sum(one.size for one in finished)
        for one in finished:
            if total <= self._max_bytes:
                return
            self._remove(one, "the cap on kept exports is reached")
            total -= one.size

    def free_disk_space(self) -> None:
        """Remove the oldest while the disk is short."""
        for one in self._oldest_first():
            if self._reserve.free_bytes() >= self._margin_bytes:
                return
            self._remove(one, "the disk is short")

    def _oldest_first(self) -> list[FinishedExport]:
        found = []
        for path in self._folder.glob(f"*{ZIP_SUFFIX}"):
            with contextlib.suppress(OSError):
                about = path.stat()
                found.append(FinishedExport(about.st_mtime, path, about.st_size))
        return sorted(found)

    def _remove(self, one: FinishedExport, why: str) -> None:
        context = {"export": one.path.name, "bytes": one.size, "reason": why}
        log.warning("export removed before it expired", extra={"context": context})
        with contextlib.suppress(OSError):
            one.path.unlink(missing_ok=True)
            one.path.with_suffix(".json").unlink(missing_ok=True)
