"""A copy of an archive as of one moment, whether or not its writer runs.

Table files never change, so the copy has hard links to them: it takes no space, and RocksDB may
remove its own names meanwhile. The MANIFEST and the newest log grow, so these are copied up to
where they ended. What the logs hold is synced, so the copy holds only what is durable. A copy is
opened and proved complete like any archive before it is used.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.scratch import remove_stale, scratch_folder
from nova.core.store.archive import Archive
from nova.core.store.attempts import until_settled
from nova.core.store.durability_marker import read_marker, write_marker
from nova.core.store.live_files import CURRENT_FILE, LiveFiles
from nova.core.store.log_tail import end_copied_logs
from nova.core.store.mirror import BINDING_FILE
from nova.core.store.quarantine import QUARANTINE_FOLDER
from nova.sdk import archive_id, durable, private
from nova.sdk.archive_id import ID_FILE, TRUTH_FOLDER
from nova.sdk.default_timebase import TIMEBASE_FILE

COPY_FOLDER = "backup"
"""The name of the scratch folder with the copy, in the data folder."""

COPY_NAME = "copy"
MEMORY_BYTES = 64 * 1024 * 1024
_OPTIONS = re.compile(r"OPTIONS-\d+", re.ASCII)
_READ_BYTES = 1024 * 1024


class CopiedFile(NamedTuple):
    """A file of the copy, by its name in a data folder. Table files of equal `unique_id` are equal;
    it is empty for every other file.
    """

    name: str
    path: Path
    size: int
    unique_id: str


class HotCopy(NamedTuple):
    """The open copy and its files."""

    archive: Archive
    files: list[CopiedFile]


@contextlib.contextmanager
def hot_copy(data: Path) -> Iterator[HotCopy]:
    """A copy of the archive in a data folder; it exists while the block runs. Raises ArchiveError
    if there is no archive, or if it is damaged.
    """
    source = data / TRUTH_FOLDER
    if not (source / CURRENT_FILE).exists():
        raise ArchiveError(f"{data} contains no archive: pass its data folder with --data")
    # Where nothing can be written there is no writer, and symlinks do.
    is_writable = os.access(data, os.W_OK)
    with scratch_folder(COPY_FOLDER, _link_folder(data) if is_writable else None) as folder:
        copy = folder / COPY_NAME
        truth = copy / TRUTH_FOLDER
        private.make_folder(truth)
        marker = read_marker(data)  # before copying, so that the copy is at least as new
        until_settled(source, lambda: _copy_truth(source, truth, is_linked=is_writable))
        try:
            end_copied_logs(truth, 0 if marker is None else marker.sequence)
            _copy_beside(data, copy)
            if marker is not None:
                write_marker(copy, marker)
            archive = Archive.open_secondary(copy, folder / "secondary", MEMORY_BYTES)
        except ArchiveDamagedError as error:
            raise ArchiveDamagedError(str(error).replace(str(copy), str(data))) from error
        try:
            archive.record.check_schema()
            _refuse_exchanged(data, archive)
            write_marker(copy, archive.holdings())
            yield HotCopy(archive, _listed(copy))
        finally:
            archive.close()


def remove_killed_copies(data: Path) -> None:
    """Remove what killed backups have left; their links keep the space of removed files."""
    for parent in (data, data / TRUTH_FOLDER):
        remove_stale(COPY_FOLDER, parent)


def _link_folder(data: Path) -> Path:
    """Where links to the archive's files can be: in its own folder if that is on another disk."""
    truth = data / TRUTH_FOLDER
    return data if data.stat().st_dev == truth.stat().st_dev else truth


def _copy_truth(source: Path, target: Path, *, is_linked: bool) -> None:
    """Make `target` a copy of a database. Raises ArchiveError or FileNotFoundError if the writer
    has replaced files meanwhile.
    """
    live = LiveFiles(source)
    live.refresh()
    tables = {f"{number:06d}.sst" for number in live.sizes}
    for path in target.iterdir():
        if path.name not in tables:
            path.unlink()
    for name in tables - set(os.listdir(target)):
        _link(source / name, target / name, is_linked=is_linked)
    logs = live.needed_logs()
    for path in logs[:-1]:
        durable.sync_file(path)
        _link(path, target / path.name, is_linked=is_linked)
    for path in logs[-1:]:
        _copy(path, target / path.name, path.stat().st_size)
        durable.sync_file(path)  # after the copy: everything in it is durable now
    manifest = Path(live.manifest)
    _copy(manifest, target / manifest.name, live.read_bytes)
    (target / CURRENT_FILE).write_text(f"{manifest.name}\n")
    options = [path for path in source.iterdir() if _OPTIONS.fullmatch(path.name)]
    for path in (*sorted(options)[-1:], source / "IDENTITY", source / BINDING_FILE):
        _copy(path, target / path.name, path.stat().st_size)
    # RocksDB removes a log or a table file only after an edit of the MANIFEST.
    if live.refresh():
        raise ArchiveError(f"{source} has changed while it was copied")


def _copy_beside(data: Path, copy: Path) -> None:
    """Copy the files that belong to an archive and lie beside it."""
    for name in (ID_FILE, TIMEBASE_FILE):
        with contextlib.suppress(FileNotFoundError):
            _copy(data / name, copy / name, (data / name).stat().st_size)
    if (data / QUARANTINE_FOLDER).is_dir():
        shutil.copytree(data / QUARANTINE_FOLDER, copy / QUARANTINE_FOLDER)


def _refuse_exchanged(data: Path, archive: Archive) -> None:
    beside, stored = archive_id.read(data), archive.record.archive_id()
    if beside is not None and beside != stored:
        raise ArchiveError(
            f"{data / ID_FILE} says that archive {beside} is here, but the one in "
            f"{data / TRUTH_FOLDER} has the id {stored}: it is not copied"
        )


def _link(path: Path, target: Path, *, is_linked: bool) -> None:
    if not is_linked:
        target.symlink_to(path.resolve())
        return
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ArchiveError(
            f"cannot link {path}: {error.strerror}. A backup needs a file system with hard links "
            "and a user who may link these files"
        ) from error


def _copy(path: Path, target: Path, size: int) -> None:
    """Copy the first `size` bytes of a file."""
    left = size
    with path.open("rb") as source, target.open("wb") as file:
        while left > 0 and (content := source.read(min(left, _READ_BYTES))):
            file.write(content)
            left -= len(content)


def _listed(copy: Path) -> list[CopiedFile]:
    """The files of a copy by name. `LOCK` and `LOG` are RocksDB's own."""
    live = LiveFiles(copy / TRUTH_FOLDER)
    live.refresh()
    unique_ids = {f"{number:06d}.sst": found for number, found in live.unique_ids.items()}
    return [
        CopiedFile(
            str(path.relative_to(copy)), path, path.stat().st_size, unique_ids.get(path.name, "")
        )
        for path in sorted(copy.rglob("*"))
        if path.is_file() and not path.name.startswith(("LOCK", "LOG"))
    ]
