"""Makes one backup of an archive: copies what the target lacks, then stores the generation."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core.backup.backup_target import BackupTarget, TargetLock
from nova.core.backup.day_digests import day_digests
from nova.core.backup.extra_files import copied_settings, copied_users
from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import (
    GENERATIONS_FOLDER,
    Generation,
    LaterGenerationError,
    StoredFile,
    UnreadableGenerationError,
    generation_names,
    read_generation,
    time_now,
    write_generation,
)
from nova.core.backup.pace import BackupPace
from nova.core.backup.piece_store import PIECE_BYTES, PieceStore
from nova.core.backup.pruning import Pruned, prune
from nova.core.backup.writer_flush import flush_writer
from nova.core.scratch import scratch_folder
from nova.core.store.backup_record import BackupRecord, write_record
from nova.core.store.hot_copy import CopiedFile, HotCopy, hot_copy
from nova.sdk import timestamps
from nova.sdk.archive_id import TRUTH_FOLDER
from nova.sdk.errors import NovaError

Report = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much it is in all."""


class BackupRequest(NamedTuple):
    """What to back up, and how much to keep. `config` is the nova.toml that goes along."""

    data: Path
    with_users: bool = False
    config: Path | None = None
    keep: int | None = None
    verify_all: bool = False
    piece_bytes: int = PIECE_BYTES


class BackupSummary(msgspec.Struct, kw_only=True, rename="camel"):
    """The result of a backup."""

    target: str
    generation: str
    archive: str
    events: int
    durable_time: str | None
    files: int
    bytes: int
    copied_bytes: int
    repaired_pieces: int
    removed_generations: list[str]
    freed_bytes: int
    seconds: float


def make_backup(request: BackupRequest, target: BackupTarget, report: Report) -> BackupSummary:
    """Make a backup; raises NovaError. Until it is done the target has the earlier ones only."""
    started = time.monotonic()
    _refuse_inside(request.data, target)
    with target.lock() as lock:
        pieces = PieceStore(target, verify_all=request.verify_all)
        try:
            with _own_disk(request.data):
                generation = _Backup(request, target, lock, pieces, report).make()
        except NovaError as error:
            if _is_full(error):
                pieces.discard_written()
            raise
        _remember(request, target, generation)
        pruned = prune(target, pieces, lock, request.keep)
    return _summary(target, generation, pieces, pruned, time.monotonic() - started)


class _Backup:
    """One backup that is being made."""

    def __init__(
        self,
        request: BackupRequest,
        target: BackupTarget,
        lock: TargetLock,
        pieces: PieceStore,
        report: Report,
    ) -> None:
        self._request, self._target, self._lock = request, target, lock
        self._pieces, self._report = pieces, report
        self._previous = _previous(target)
        self._known = {
            file.unique_id: file
            for file in (self._previous.files if self._previous else [])
            if file.unique_id
        }
        self._done_bytes = 0
        self._pace = BackupPace()

    def make(self) -> Generation:
        data = self._request.data
        if flush_writer(data):
            self._pace.slow_down()
        with contextlib.ExitStack() as stack:
            copy = stack.enter_context(hot_copy(data))
            extra = stack.enter_context(scratch_folder("backup-extra"))
            users = copied_users(data, extra) if self._request.with_users else []
            config = self._request.config
            chosen = copied_settings(config, extra) if config is not None else []
            generation = self._store(copy, [*users, *chosen])
        self._lock.require()
        write_generation(self._target, generation)
        read_generation(self._target, generation.name)
        return generation

    def _store(self, copy: HotCopy, extra: Sequence[CopiedFile]) -> Generation:
        previous, held = self._previous, copy.archive.holdings()
        archive = copy.archive.record.archive_id() or ""
        _refuse_other(self._target, previous, archive)
        files = [*copy.files, *extra]
        total = sum(file.size for file in files)
        stored = [self._stored(file, total) for file in files]
        days = day_digests(
            copy.archive,
            lambda done, events: self._step("digests", done, events),
            previous.days if previous else (),
        )
        return Generation(
            archive=archive,
            time=time_now(previous.time if previous else None),
            version=version("nova-sdk"),
            events=copy.archive.record.counters().held,
            durable_time=timestamps.text(held.canonical_ns) if held.events else None,
            has_users=self._request.with_users,
            has_settings=self._request.config is not None,
            days=days,
            files=stored,
        )

    def _stored(self, file: CopiedFile, total: int) -> StoredFile:
        known = self._known.get(file.unique_id)
        if known is not None and self._pieces.holds(known.pieces, file.size):
            self._done_bytes += file.size
            self._step("files", self._done_bytes, total)
            return StoredFile(file.name, file.size, known.pieces, file.unique_id)
        names = []
        for content in _contents(file.path, self._request.piece_bytes):
            names.append(self._pieces.put(content))
            self._done_bytes += len(content)
            self._step("files", self._done_bytes, total)
        return StoredFile(file.name, file.size, names, file.unique_id)

    def _step(self, what: str, done: int, total: int) -> None:
        self._lock.require()
        self._report(what, done, total)
        self._pace.step()


def _contents(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while content := file.read(size):
            yield content


def _previous(target: BackupTarget) -> Generation | None:
    """The newest generation that can be read, None if there is none. A damaged one is no reason to
    make no backup, unless no other says of which archive the target is. Raises NovaError then, and
    where a later NOVA has made one.
    """
    fault: UnreadableGenerationError | None = None
    for name in reversed(generation_names(target)):
        try:
            return read_generation(target, name)
        except LaterGenerationError:
            raise
        except UnreadableGenerationError as error:
            fault = fault or error
    if fault is not None:
        raise NovaError(
            f"no backup in {target} can be read, so nobody knows of which archive they are: choose "
            f"another target, or move {GENERATIONS_FOLDER} in it away ({fault})"
        )
    return None


def _refuse_other(target: BackupTarget, previous: Generation | None, archive: str) -> None:
    if previous is not None and previous.archive != archive:
        raise NovaError(
            f"{target} holds backups of archive {previous.archive}, and this is archive {archive}: "
            "give each archive a target of its own"
        )


def _refuse_inside(data: Path, target: BackupTarget) -> None:
    """Raise NovaError if one of the data folder and the target holds the other."""
    if not isinstance(target, FolderTarget):
        return
    root = Path(str(target)).resolve()
    for folder in (data.resolve(), (data / TRUTH_FOLDER).resolve()):
        if root == folder or folder in root.parents:
            raise NovaError(f"{target} is inside the data folder {data} and would be lost with it")
        if root in folder.parents:
            raise NovaError(f"{target} holds the data folder {data}: choose a folder beside it")


@contextlib.contextmanager
def _own_disk(data: Path) -> Iterator[None]:
    """Turn errors of the archive's own disk into one NovaError."""
    try:
        yield
    except OSError as error:
        raise NovaError(f"cannot back up {data}: {error}") from error


def _is_full(error: NovaError) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def _remember(request: BackupRequest, target: BackupTarget, generation: Generation) -> None:
    """Note the backup beside the archive, for the status; a read-only archive has no note."""
    if os.access(request.data, os.W_OK):
        record = BackupRecord(
            target=str(target), generation=generation.name, time=generation.time,
            events=generation.events, bytes=generation.size,
        )  # fmt: skip
        write_record(request.data, record)


def _summary(
    target: BackupTarget, generation: Generation, pieces: PieceStore, pruned: Pruned, seconds: float
) -> BackupSummary:
    return BackupSummary(
        target=str(target),
        generation=generation.name,
        archive=generation.archive,
        events=generation.events,
        durable_time=generation.durable_time,
        files=len(generation.files),
        bytes=generation.size,
        copied_bytes=pieces.written_bytes,
        repaired_pieces=pieces.repaired,
        removed_generations=pruned.generations,
        freed_bytes=pruned.freed_bytes,
        seconds=round(seconds, 3),
    )
