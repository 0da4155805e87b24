"""Restores a backup to an empty data folder.

All files are written and verified in `DATA/restoring`. The archive's own folder is moved out of it
last, so an interrupted restore is no archive; `refuse_emptied` keeps a writer from beginning a new
one there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import msgspec

from nova.core.backup.backup_target import BackupTarget
from nova.core.backup.day_digests import day_digests
from nova.core.backup.extra_files import EDGE_FOLDER, SETTINGS_FOLDER
from nova.core.backup.generation import Generation, StoredFile, read_generation, require_generations
from nova.core.backup.piece_store import PieceStore
from nova.core.errors import ArchiveDamagedError
from nova.core.scratch import scratch_folder
from nova.core.store.archive_identity import RESTORING_FOLDER
from nova.core.store.durability_marker import MARKER_FILE
from nova.core.store.quarantine import QUARANTINE_FOLDER
from nova.core.store.secondary import open_secondary_archive
from nova.sdk import durable, private
from nova.sdk.archive_id import ID_FILE, TRUTH_FOLDER
from nova.sdk.default_timebase import TIMEBASE_FILE
from nova.sdk.errors import NovaError

BESIDE = (
    ID_FILE, MARKER_FILE, TIMEBASE_FILE, QUARANTINE_FOLDER, EDGE_FOLDER, SETTINGS_FOLDER,
)  # fmt: skip
"""What a restore may place beside the archive's own folder."""

LOCK_FILE = "restoring.lock"
IGNORED = frozenset({"lost+found", LOCK_FILE})
"""What the root of an empty disk has, and the lock of the restore itself."""

MEMORY_BYTES = 64 * 1024 * 1024

Report = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much it is in all."""


class RestoreSummary(msgspec.Struct, kw_only=True, rename="camel"):
    """The result of a restore."""

    data: str
    generation: str
    archive: str
    events: int
    durable_time: str | None
    files: int
    bytes: int
    has_users: bool
    has_settings: bool
    seconds: float


def restore(
    target: BackupTarget, data: Path, report: Report, name: str | None = None
) -> RestoreSummary:
    """Restore a generation, the newest if none is named. Raises NovaError if the data folder is not
    empty, or if anything differs from what was backed up.
    """
    started = time.monotonic()
    generation = read_generation(target, _chosen(target, name))
    for file in generation.files:
        _refuse_outside(file, target)
    try:
        with _only_restore(data):
            folder = _prepare(data, generation)
            _write_files(target, generation, folder, report)
            _verify(folder, generation, report)
            _commit(data, folder)
    except OSError as error:
        raise NovaError(f"cannot restore to {data}: {error}") from error
    return RestoreSummary(
        data=str(data),
        generation=generation.name,
        archive=generation.archive,
        events=generation.events,
        durable_time=generation.durable_time,
        files=len(generation.files),
        bytes=generation.size,
        has_users=generation.has_users,
        has_settings=generation.has_settings,
        seconds=round(time.monotonic() - started, 3),
    )


def _chosen(target: BackupTarget, name: str | None) -> str:
    names = require_generations(target)
    if name is not None and name not in names:
        raise NovaError(f"{target} holds no backup {name}; the newest is {names[-1]}")
    return name or names[-1]


def _refuse_outside(file: StoredFile, target: BackupTarget) -> None:
    """Raise NovaError unless a file's name is one that a backup has."""
    path = PurePosixPath(file.name)
    if path.is_absolute() or ".." in path.parts or path.parts[0] not in (TRUTH_FOLDER, *BESIDE):
        raise NovaError(f"the backup in {target} has a file {file.name!r}, which no backup has")


@contextlib.contextmanager
def _only_restore(data: Path) -> Iterator[None]:
    """Exclude every other restore to this folder; raises NovaError if one is running."""
    private.make_folder(data)
    path = data / LOCK_FILE
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, private.FILE_MODE), "r+b") as file:
        is_ours = False
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The one before may have removed the file after it was opened here.
            is_ours = os.path.samestat(os.fstat(file.fileno()), path.stat())
        if not is_ours:
            raise NovaError(
                f"another restore to {data} is running: wait until it is done, or stop it"
            )
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _prepare(data: Path, generation: Generation) -> Path:
    """The folder to restore into, empty; removes what an interrupted restore has left."""
    found = set(os.listdir(data)) - IGNORED
    was_interrupted = RESTORING_FOLDER in found and TRUTH_FOLDER not in found
    others = found - {RESTORING_FOLDER, *BESIDE} if was_interrupted else found
    if others:
        raise NovaError(
            f"{data} is not empty, it has {', '.join(sorted(others)[:3])}: restore to an empty "
            "folder, or move away what is there"
        )
    for path in (data / name for name in found):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    disk = os.statvfs(data)
    free = disk.f_bavail * disk.f_frsize
    if free < generation.size:
        raise NovaError(
            f"the disk of {data} has {free / 1e6:,.0f} MB free, and the backup has "
            f"{generation.size / 1e6:,.0f} MB: restore to a larger disk"
        )
    private.make_folder(data / RESTORING_FOLDER)
    return data / RESTORING_FOLDER


def _write_files(
    target: BackupTarget, generation: Generation, folder: Path, report: Report
) -> None:
    pieces = PieceStore(target)
    done = 0
    for stored in generation.files:
        path = folder / stored.name
        private.make_folder(path.parent)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, private.FILE_MODE)
        size = 0
        with os.fdopen(descriptor, "wb") as file:
            for piece in stored.pieces:
                content = pieces.read(piece)
                file.write(content)
                size += len(content)
                report("files", done + size, generation.size)
        durable.sync_file(path)
        if size != stored.size:
            raise NovaError(f"{stored.name} in the backup has {size} bytes, not {stored.size}")
        done += size
    for place, _, _ in os.walk(folder):
        durable.sync_folder(Path(place))


def _verify(folder: Path, generation: Generation, report: Report) -> None:
    """Raise NovaError unless the archive opens and holds the events that were backed up."""
    with (
        scratch_folder("restore") as scratch,
        open_secondary_archive(folder, scratch, MEMORY_BYTES) as archive,
    ):
        found = archive.record.archive_id() or ""
        if found != generation.archive:
            raise ArchiveDamagedError(
                f"the backup {generation.name} is of archive {generation.archive}, but what it "
                f"holds is archive {found}"
            )
        days = day_digests(archive, lambda done, total: report("digests", done, total))
        differing = [day.day for day in generation.days if day not in days]
        if differing or len(days) != len(generation.days):
            raise ArchiveDamagedError(
                f"the backup {generation.name} does not hold the events that were backed up; days "
                f"that differ: {', '.join(differing[:5]) or 'more days than there were'}"
            )


def _commit(data: Path, folder: Path) -> None:
    """Move the restored files into place, the archive's own folder last."""
    for name in BESIDE:
        if (folder / name).exists():
            durable.move(folder / name, data / name)
    durable.move(folder / TRUTH_FOLDER, data / TRUTH_FOLDER)
    shutil.rmtree(folder)
    durable.sync_folder(data)
