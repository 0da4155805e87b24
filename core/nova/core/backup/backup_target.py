"""Where backups or a lake are kept: objects with names, in a folder or in an object store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class TargetLock(Protocol):
    """The right to change a target, which one process at a time has."""

    def require(self) -> None:
        """Raise NovaError if another process has it now; call it often while working."""


class BackupTarget(Protocol):
    """Objects by name. Errors of the medium are NovaErrors; `str` is what its user calls it."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Size in bytes of every object below a folder, by its name there."""

    def read(self, name: str) -> bytes:
        """The content of an object; raises NovaError if there is none."""

    def write(self, name: str, content: bytes) -> None:
        """Create or replace an object; whole and durable when this returns."""

    def write_file(self, name: str, source: Path) -> None:
        """`write` of the content of a file, of any size."""

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""

    def lock(self) -> AbstractContextManager[TargetLock]:
        """Exclude every other process of the same work; raises NovaError if one is running."""
