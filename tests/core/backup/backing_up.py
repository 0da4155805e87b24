"""An archive that grows, and backups of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nova.core.backup.backup_run import BackupRequest, BackupSummary, make_backup
from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.generation import generation_names, read_generation
from nova.core.backup.piece_store import PieceStore
from nova.core.backup.restore_run import RestoreSummary, restore
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.durability_marker import write_marker
from nova.core.writer.committer import Committer
from nova.sdk.events.digest import EventDigest
from nova.sdk.transport.base import Batch, Record

BATCH_EVENTS = 100
PIECE_BYTES = 64 * 1024

Make = Callable[..., Record]


def unheard(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody looks at."""


class LivingArchive:
    """An archive and its writer, which syncs every batch."""

    def __init__(self, data: Path, make: Make) -> None:
        self.data, self._make = data, make
        self.archive = Archive.open_primary(data)
        ensure_id(self.archive, data)
        self.committer = Committer(self.archive, data)
        self.events = 0
        self._is_closed = False

    def grow(self, batches: int = 1) -> None:
        """Store new events, durably."""
        for _ in range(batches):
            numbers = range(self.events, self.events + BATCH_EVENTS)
            self.events += BATCH_EVENTS
            batch = Batch([self._make(number) for number in numbers], {"s": self.events})
            self.committer.add_batch("link", batch)
            self.committer.close_commit()
            self.archive.sync()
            write_marker(self.data, self.committer.marker())

    def close(self) -> None:
        """Stop writing, if that has not happened."""
        if not self._is_closed:
            self._is_closed = True
            self.archive.close()


def backed_up(data: Path, target: BackupTarget, keep: int | None = None) -> BackupSummary:
    """A backup in small pieces."""
    return make_backup(BackupRequest(data, keep=keep, piece_bytes=PIECE_BYTES), target, unheard)


def restored(target: BackupTarget, data: Path, name: str | None = None) -> RestoreSummary:
    return restore(target, data, unheard, name)


def contents(data: Path) -> tuple[int, str, dict[str, int]]:
    """Number and digest of the events of an archive that nobody writes, and its positions, as the
    next writer finds them.
    """
    archive = Archive.open_primary(data)
    digest = EventDigest()
    digest.add(stored for _, stored in archive.events.scan("canonical"))
    counted, positions = archive.record.counters().held, archive.record.positions("link")
    archive.close()
    assert counted == digest.events
    return digest.events, digest.text(), positions


def sound(target: BackupTarget) -> list[str]:
    """The backups of a target, of which every piece is there and undamaged."""
    names = generation_names(target)
    pieces = PieceStore(target)
    for name in names:
        for piece in read_generation(target, name).pieces():
            pieces.read(piece)
    return names
