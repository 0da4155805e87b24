"""Rewrites an archive of a former layout in today's, beside the old one, and exchanges the two.

The exchange is one rename of the kernel, so that at each moment the old or the new archive is whole
at its place, and one that was interrupted is begun again or finished by the next. The old archive
is kept as `truth.layout-N`. Everything derived is made anew by those that maintain it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.ordering import EVENT_ID_BYTES
from nova.core.store import catalog
from nova.core.store.archive import TRUTH_FOLDER, Archive
from nova.core.store.durability_marker import read_marker, require_durable, write_marker
from nova.core.store.former_layout import FormerArchive, OrderDigests
from nova.core.store.keys import event_id_of
from nova.core.store.live_files import RESTORE
from nova.sdk import durable, private

MIGRATING_FOLDER = "migrating"
MEMORY_BYTES = 128 * 1024 * 1024
REPORT_EVENTS = 50_000
SPARE_SHARE = 1 / 4
"""The new archive needs about as much disk as the old one, and merges need some of it twice."""

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2

Report = Callable[[str, int, int], object]
"""Called with a stage, the events done and all events."""


class MigrationPlan(NamedTuple):
    """What a migration would do; `layout` is None in an archive without a commit."""

    data: Path
    layout: str | None
    events: int
    bytes: int

    @property
    def is_needed(self) -> bool:
        return self.layout is not None and self.layout.encode() in catalog.FORMER_LAYOUTS

    @property
    def kept(self) -> Path:
        """Where the old archive is kept."""
        return self.data / f"{TRUTH_FOLDER}.layout-{self.layout}"


@contextlib.contextmanager
def locked_archive(data: Path, *, to_write: bool = True) -> Iterator[None]:
    """Keep writers away while the block runs; raises ArchiveError if one runs. If nothing is to be
    written, no file is made either, and an archive without a lock file has no writer.
    """
    path = data / TRUTH_FOLDER / "LOCK"
    if not path.parent.is_dir():
        raise ArchiveError(f"there is no archive in {data}: pass its data folder with --data")
    with contextlib.ExitStack() as stack:
        try:
            lock = stack.enter_context(path.open("ab" if to_write else "rb"))
        except FileNotFoundError:
            yield
            return
        except OSError as error:
            raise ArchiveError(f"cannot lock the archive in {data}: {error.strerror}") from None
        try:
            fcntl.lockf(lock, (fcntl.LOCK_EX if to_write else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            raise ArchiveError(
                f"NOVA runs on the archive in {data}: stop it, and migrate then"
            ) from None
        yield


def plan(data: Path) -> MigrationPlan:
    """What there is to do; raises ArchiveError for a layout that this version does not know, and
    ArchiveDamagedError if the archive holds less than its durability marker records.
    """
    truth = data / TRUTH_FOLDER
    if not (truth / "CURRENT").exists():
        raise ArchiveError(f"there is no archive in {data}: pass its data folder with --data")
    with contextlib.closing(FormerArchive(truth)) as former:
        layout = former.layout()
        if layout not in (None, catalog.SCHEMA_VERSION, *catalog.FORMER_LAYOUTS):
            catalog.check_schema(layout, truth)
        holdings = former.holdings()
    if layout in catalog.FORMER_LAYOUTS:
        require_durable(read_marker(data), holdings, truth)
    size = sum(entry.stat().st_size for entry in truth.iterdir() if entry.is_file())
    return MigrationPlan(data, None if layout is None else layout.decode(), holdings.events, size)


def migrate(wanted: MigrationPlan, report: Report = lambda *_: None) -> OrderDigests | None:
    """Migrate an archive that is locked; returns the digests, which are the same before and after,
    or None if there is nothing to do.
    """
    _finish_exchange(wanted.data)
    if not wanted.is_needed:
        return None
    _require_room(wanted)
    folder = wanted.data / MIGRATING_FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    private.make_folder(folder)
    with contextlib.closing(FormerArchive(wanted.data / TRUTH_FOLDER)) as former:
        before = former.digests()
        if before.events != wanted.events:
            raise ArchiveDamagedError(
                f"the archive in {former.path} holds {before.events} events, but {wanted.events} "
                f"were counted. {RESTORE}"
            )
        _copy(former, folder, before, report)
    _exchange(wanted, folder)
    return before


def _require_room(wanted: MigrationPlan) -> None:
    needed = int(wanted.bytes * (1 + SPARE_SHARE))
    free = shutil.disk_usage(wanted.data).free
    if free < needed:
        raise ArchiveError(
            f"migrating {wanted.data} needs {needed / 1e6:,.0f} MB beside the old archive, and "
            f"{free / 1e6:,.0f} MB are free: free some disk, or migrate a copy on a larger one"
        )


def _copy(former: FormerArchive, folder: Path, before: OrderDigests, report: Report) -> None:
    """Write all events and records to a new archive, and prove that it holds the same."""
    archive = Archive.open_primary(folder, MEMORY_BYTES)
    try:
        done = 0
        for block in former.blocks():
            batch = archive.batch()
            batch.put_events(*block)
            archive.write(batch)
            done += len(block.stored)
            report("copied", done, before.events)
        batch = archive.batch()
        batch.put_records(former.catalog())
        batch.put_record(catalog.SCHEMA_KEY, catalog.SCHEMA_VERSION)
        archive.write(batch)
        archive.sync()
        if _digests(archive, before.events, report) != before:
            raise ArchiveDamagedError(
                f"the events of {former.path} are not the same after they were copied; nothing was "
                f"changed. {RESTORE}"
            )
        held = archive.holdings()
    finally:
        archive.close()
    marker = read_marker(former.path.parent)
    if marker is not None:
        # True of the old archive and of the new one, whichever is there after a crash.
        sequence = min(marker.sequence, held.sequence)
        write_marker(former.path.parent, msgspec.structs.replace(marker, sequence=sequence))


def _digests(archive: Archive, events: int, report: Report) -> OrderDigests:
    """The digests of today's layout, where each row of `source` has to lead to its event."""
    canonical, source = hashlib.sha256(), hashlib.sha256()
    count = 0
    for _, stored in archive.events.scan("canonical"):
        canonical.update(event_id_of(stored))
        count += 1
        if count % REPORT_EVENTS == 0:
            report("verified", count, events)
    for key, event_key in archive.events.scan("source"):
        source.update(key[-EVENT_ID_BYTES:])
        if not archive.events.has(event_key):
            raise ArchiveDamagedError(f"{archive.path} has lost an event while it was copied")
    return OrderDigests(count, canonical.hexdigest(), source.hexdigest())


def _exchange(wanted: MigrationPlan, folder: Path) -> None:
    truth, fresh = wanted.data / TRUTH_FOLDER, folder / TRUTH_FOLDER
    durable.sync_folder(fresh)
    durable.sync_folder(folder)
    _swap(fresh, truth)
    durable.sync_folder(wanted.data)
    durable.sync_folder(folder)
    _finish_exchange(wanted.data)


def _swap(fresh: Path, truth: Path) -> None:
    """Exchange two folders in one step."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        raise ArchiveError("this system cannot exchange two folders: migrate on Linux")
    paths = os.fsencode(fresh), os.fsencode(truth)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise ArchiveError(
            f"the file system of {truth} cannot exchange two folders ({reason}); nothing was "
            "changed. Migrate a copy on another one, such as ext4, XFS or Btrfs"
        )


def _finish_exchange(data: Path) -> None:
    """Keep the old archive of a migration that was interrupted after the exchange, and remove what
    one has left that was interrupted before it.
    """
    folder = data / MIGRATING_FOLDER
    old = folder / TRUTH_FOLDER
    if (old / "CURRENT").exists():
        with contextlib.closing(FormerArchive(old)) as former:
            layout = former.layout()
        if layout in catalog.FORMER_LAYOUTS:
            kept = data / f"{TRUTH_FOLDER}.layout-{layout.decode()}"
            old.rename(kept)
            durable.sync_folder(data)
    shutil.rmtree(folder, ignore_errors=True)
