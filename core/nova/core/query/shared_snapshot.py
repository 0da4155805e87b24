"""One snapshot of the archive for all makers of derived data in a process.

A secondary reads the whole write-ahead log whenever it catches up, so each further one costs a
process as much again for every event.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from nova.core.errors import ArchiveBusyError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.scratch import scratch_folder
from nova.core.store.secondary import open_secondary_archive

SCRATCH = "derived"


@dataclass(slots=True)
class _OpenSnapshot:
    """A snapshot, what closes it, and how many users it has."""

    snapshot: ArchiveSnapshot
    closing: ExitStack
    users: int = 0


class SharedSnapshot:
    """Opens the archive for its first user and closes it after the last. After a user has found the
    archive too busy to be followed, the next one gets a secondary that is opened anew.
    """

    def __init__(self, data: Path, memory_bytes: int) -> None:
        self._data = data
        self._memory_bytes = memory_bytes
        self._newest: _OpenSnapshot | None = None

    @contextmanager
    def opened(self) -> Iterator[ArchiveSnapshot]:
        """The snapshot while the block runs; raises ArchiveError if the archive cannot be read."""
        used = self._newest
        if used is None:
            used = self._newest = self._open()
        used.users += 1
        try:
            yield used.snapshot
        except ArchiveBusyError:
            self._forget(used)
            raise
        finally:
            used.users -= 1
            if not used.users:
                self._forget(used)
                used.closing.close()

    def _open(self) -> _OpenSnapshot:
        with ExitStack() as stack:
            scratch = stack.enter_context(scratch_folder(SCRATCH))
            opening = open_secondary_archive(self._data, scratch, self._memory_bytes)
            archive = stack.enter_context(opening)
            return _OpenSnapshot(ArchiveSnapshot(archive), stack.pop_all())

    def _forget(self, used: _OpenSnapshot) -> None:
        if self._newest is used:
            self._newest = None
