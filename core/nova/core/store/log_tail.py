"""Truncates the write-ahead logs and the MANIFEST after a power cut, and keeps what is cut off in
the quarantine.

The records of the logs have contiguous sequences. Where one is unreadable or missing, nothing after
it can be trusted. The durability marker records a sequence that was durable, and so does the
MANIFEST: RocksDB syncs the logs before a table file that holds their rows counts. If the fault lies
after both sequences, the rest is moved to the quarantine and the archive opens. Otherwise the
archive is damaged, and nothing is changed.

The MANIFEST is synced before RocksDB removes a file because of it. So an end of it that a power cut
left unreadable is not needed: the files that the rest names and the logs hold every durable record.
Where they do not, the archive is damaged.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.store import quarantine
from nova.core.store.attempts import until_settled
from nova.core.store.durability_marker import DurabilityMarker
from nova.core.store.live_files import RESTORE, LiveFiles, ManifestEndError
from nova.core.store.log_records import LogReader
from nova.sdk import durable

_BATCH_HEAD = struct.Struct("<QI")
"""The head of a record: the sequence of its first row, and its number of rows."""

OUT_OF_ORDER = "lacks records, or repeats them,"
UNCHECKED = 2**64
READ_ATTEMPTS = 3
MANIFEST_TORN = "ends in a damaged record"


class LogCut(NamedTuple):
    """The end of the readable part of the logs: `offset` in the log `path`, and none of the `later`
    logs. Every record up to the sequence `reached` is there.
    """

    path: Path
    offset: int
    later: list[Path]
    reached: int
    reason: str


class Remains(NamedTuple):
    """What a power cut left behind everything that was durable: the end of the logs, and whether
    the MANIFEST ends in a damaged record.
    """

    cut: LogCut | None
    is_manifest_torn: bool


def truncate_garbage(data: Path, folder: Path, marker: DurabilityMarker | None) -> None:
    """Truncate logs that end in garbage, so that the archive opens; the writer calls this before it
    opens the archive. Raises ArchiveDamagedError if that would remove durable records.
    """
    if marker is None:
        return
    with _locked(folder) as is_locked:
        if not is_locked:  # Another writer is appending to these logs.
            return
        live = LiveFiles(folder)
        try:
            remains = _remains(live, marker)
        except FileNotFoundError:
            return
        if remains.is_manifest_torn:
            manifest = Path(live.manifest)
            quarantine.cut_off(data, manifest, live.read_bytes, [], MANIFEST_TORN)
        if (cut := remains.cut) is not None:
            quarantine.cut_off(data, cut.path, cut.offset, cut.later, cut.reason)


def unsynced_end(folder: Path, marker: DurabilityMarker | None) -> str:
    """What the next writer will cut off, for an error message; empty if there is nothing to cut
    off, or if that would not help. Changes nothing.
    """
    if marker is None:
        return ""
    live = LiveFiles(folder)
    try:
        remains = _remains(live, marker)
    except (ArchiveError, OSError):
        return ""
    if (cut := remains.cut) is not None:
        return f"{cut.path} {cut.reason} at byte {cut.offset}"
    return f"{live.manifest} {MANIFEST_TORN}" if remains.is_manifest_torn else ""


def _remains(live: LiveFiles, marker: DurabilityMarker) -> Remains:
    """What a power cut left; raises ArchiveDamagedError if durable records are among what would be
    cut off, FileNotFoundError without an archive.
    """
    end: ManifestEndError | None = None
    try:
        live.refresh()
    except ManifestEndError as error:
        end = error
    # RocksDB verifies every checksum when it opens; here they matter only if there is a cut.
    cut = _find_cut(live, marker.sequence) and _find_cut(live, 0)
    durable = max(marker.sequence, live.last_sequence)
    if cut is not None and cut.reached < durable:
        raise ArchiveDamagedError(
            f"the archive in {live.folder} is damaged: {cut.path} {cut.reason} at byte "
            f"{cut.offset}, after record {cut.reached}, but {durable} were durable. {RESTORE}"
        )
    if end is not None and not (_names_whole_files(live) and (cut or _reached(live) >= durable)):
        raise end
    return Remains(cut, end is not None)


def _names_whole_files(live: LiveFiles) -> bool:
    """Whether the readable part of the MANIFEST names files that are there and logs without a gap
    behind them.
    """
    return live.read_bytes > 0 and not live.certain_faults(live.sizes) and not _lost_logs(live)


def _reached(live: LiveFiles) -> int:
    """The last sequence of files and logs, if the logs are readable to their end."""
    reached: int | None = None
    for path in live.needed_logs():
        with _content(path) as content:
            reached, _, _ = _read(content, reached, UNCHECKED)
    return max(live.last_sequence, reached or 0)


def _find_cut(live: LiveFiles, verify_after: int) -> LogCut | None:
    """The first hole or unreadable record of the logs; None if there is none. Checksums are
    verified only after the sequence `verify_after`.
    """
    paths = live.needed_logs()
    reached: int | None = None
    for place, path in enumerate(paths):
        later = paths[place + 1 :]
        with _content(path) as content:
            reached, offset, reason = _read(content, reached, verify_after)
        if reason:
            # The newest log was started when every earlier record was in files or older logs.
            known = live.last_sequence if not later else 0
            return LogCut(path, offset, later, known if reached is None else reached, reason)
    return None


def _read(
    content: bytes | memoryview, reached: int | None, verify_after: int
) -> tuple[int | None, int, str]:
    """Read a log that continues after sequence `reached`. Returns the sequence and offset up to
    which it is readable, and the reason why no further (empty at its end).
    """
    reader, offset = LogReader(content), 0
    for record in reader:
        head = record.payload(content, _BATCH_HEAD.size)
        if len(head) < _BATCH_HEAD.size:
            return reached, offset, "has a record that is too short for a write batch"
        first, rows = _BATCH_HEAD.unpack(head)
        if reached is not None and first != reached + 1:
            return reached, offset, OUT_OF_ORDER
        end = max(reached or 0, first + rows - 1)
        if end > verify_after and not record.is_sound(content):
            return reached, offset, "has a record with a wrong checksum"
        reached, offset = end, reader.offset
    return reached, offset, "has bytes that are no record" if reader.ending == "damaged" else ""


def end_copied_logs(folder: Path, durable_sequence: int) -> None:
    """End the copied logs of a database at their last whole record. A log is replaced, never
    truncated, because a copy may be a link to the file that the writer has open. Raises
    ArchiveDamagedError if that would leave out a record up to `durable_sequence`.
    """
    live = LiveFiles(folder)
    live.refresh()
    cut = _find_cut(live, durable_sequence)
    if cut is not None and cut.reached < max(durable_sequence, live.last_sequence):
        raise _damage(cut)
    cut = cut or _torn_end(live)
    if cut is None:
        return
    with _content(cut.path) as content:
        kept = bytes(content[: cut.offset])
    durable.replace(cut.path, kept)
    for path in cut.later:
        path.unlink()


def _torn_end(live: LiveFiles) -> LogCut | None:
    """A cut where the newest log ends within a record."""
    for path in live.needed_logs()[-1:]:
        with _content(path) as content:
            reached, offset, _ = _read(content, None, UNCHECKED)
            is_whole = offset == len(content)
        if not is_whole:
            known = live.last_sequence if reached is None else reached
            return LogCut(path, offset, [], known, "ends within a record")
    return None


def refuse_holes(folder: Path) -> None:
    """Raise ArchiveDamagedError if records are missing in the logs, because RocksDB would silently
    read on after the hole, or if one is unreadable, because a secondary may wait there forever.
    """
    with contextlib.suppress(FileNotFoundError):  # RocksDB refuses it then.
        # A writer may delete a log while it is read.
        until_settled(folder, lambda: _refuse_holes(folder), READ_ATTEMPTS)


def _refuse_holes(folder: Path) -> None:
    live = LiveFiles(folder)
    live.refresh()
    cut = _find_cut(live, UNCHECKED) or _lost_logs(live)
    if cut is not None:
        raise _damage(cut)


def _damage(cut: LogCut) -> ArchiveDamagedError:
    return ArchiveDamagedError(
        f"{cut.path} is damaged: it {cut.reason} at byte {cut.offset}, after record "
        f"{cut.reached}. {RESTORE}"
    )


def _lost_logs(live: LiveFiles) -> LogCut | None:
    """A cut if the first log begins after the MANIFEST's last sequence: then the MANIFEST has lost
    its end, and with it the table files that replaced the logs in between.
    """
    paths = live.needed_logs()
    for place, path in enumerate(paths):
        with _content(path) as content:
            record = next(iter(LogReader(content)), None)
            if record is None:
                continue
            first, _ = _BATCH_HEAD.unpack(record.payload(content, _BATCH_HEAD.size))
        if first > live.last_sequence + 1:
            return LogCut(path, 0, paths[place + 1 :], live.last_sequence, OUT_OF_ORDER)
        return None
    return None


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the archive's lock while the block runs; False if a writer has it."""
    if (path := folder / "LOCK").is_dir():
        raise ArchiveError(f"{path} is a folder, but the lock file has its name: move it away")
    with path.open("ab") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _content(path: Path) -> Iterator[bytes | memoryview]:
    """A log's bytes, mapped into memory."""
    if path.stat().st_size == 0:
        yield b""
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
    ):
        yield content
