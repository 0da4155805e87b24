"""One snapshot of the archive for all makers of derived data in a process.

A secondary reads the whole write-ahead log whenever it catches up, so each further one costs a
process as much again for every event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from nova.core.commit_feed import CommittedEvent
from nova.core.errors import ArchiveBusyError
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.commit_tail import CommitTail
from nova.core.scratch import scratch_folder
from nova.core.store.secondary import open_secondary_archive
from nova.sdk.events.event import Series

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
        self._opened: list[_OpenSnapshot] = []
        self._tail: CommitTail | None = None

    @property
    def tail(self) -> CommitTail | None:
        """The newest commits in memory, beside each snapshot that is open."""
        return self._tail

    @tail.setter
    def tail(self, tail: CommitTail | None) -> None:
        self._tail = tail
        for one in self._opened:
            one.snapshot.tail = tail

    def add_series(self, number: int, names: Series) -> None:
        """Add a series that the writer has just numbered."""
        for one in self._opened:
            one.snapshot.add_series(number, names)

    def note_deletions(self, events: Sequence[CommittedEvent]) -> None:
        """Catch up with the archive soon if these events say that some were deleted."""
        for one in self._opened:
            one.snapshot.note_deletions(events)

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
                self._opened.remove(used)
                used.closing.close()

    def _open(self) -> _OpenSnapshot:
        with ExitStack() as stack:
            scratch = stack.enter_context(scratch_folder(SCRATCH))
            opening = open_secondary_archive(self._data, scratch, self._memory_bytes)
            archive = stack.enter_context(opening)
            snapshot = ArchiveSnapshot(archive)
            # What the feed brings from now on needs the series from before.
            snapshot.series.load(archive)
            snapshot.tail = self._tail
            used = _OpenSnapshot(snapshot, stack.pop_all())
            self._opened.append(used)
            return used

    def _forget(self, used: _OpenSnapshot) -> None:
        if self._newest is used:
            self._newest = None
