"""Finished exports that can be downloaded: together they have a cap, and where the disk becomes
short the oldest go first.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import NamedTuple

from core.reserve import Reserve

ZIP_SUFFIX = ".zip"
MARGIN_BYTES = 64 * 1024 * 1024
"""So much before the reserve begins kept exports begin to go, for one that is being made is looked
at now and then only.
"""

log = logging.getLogger(__name__)


class Finished(NamedTuple):
    """A finished export."""

    finished_s: float
    path: Path
    size: int


class KeptExports:
    """The finished exports of a folder."""

    def __init__(
        self, folder: Path, max_bytes: int, reserve: Reserve, margin_bytes: int = MARGIN_BYTES
    ) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._reserve = reserve
        self._margin_bytes = margin_bytes

    def make_room(self, size: int) -> None:
        """Remove the oldest until one of this size may be kept too."""
        kept = self._oldest_first()
        total = size + sum(one.size for one in kept)
        for one in kept:
            if total <= self._max_bytes:
                return
            self._remove(one, "kept exports have a cap")
            total -= one.size

    def relieve(self) -> None:
        """Remove the oldest as long as the disk is short."""
        for one in self._oldest_first():
            if self._reserve.free_bytes() >= self._margin_bytes:
                return
            self._remove(one, "the disk is short")

    def _oldest_first(self) -> list[Finished]:
        found = []
        for path in self._folder.glob(f"*{ZIP_SUFFIX}"):
            with contextlib.suppress(OSError):
                about = path.stat()
                found.append(Finished(about.st_mtime, path, about.st_size))
        return sorted(found)

    def _remove(self, one: Finished, why: str) -> None:
        context = {"export": one.path.name, "bytes": one.size, "reason": why}
        log.warning("a kept export is removed before its time", extra={"context": context})
        with contextlib.suppress(OSError):
            one.path.unlink(missing_ok=True)
            one.path.with_suffix(".json").unlink(missing_ok=True)
