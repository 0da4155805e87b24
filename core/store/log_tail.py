"""What a power cut leaves at the end of the write-ahead logs: cut off where it lies behind the
truth, and kept aside.

Records of the logs have sequences without a gap. Where one cannot be read, or is missing, what
comes behind it cannot be truth. The witness says how far the truth goes at least, and so does the
MANIFEST: RocksDB syncs the logs before a file of what was in them counts. What lies behind all of
these is moved to the quarantine, and the archive opens; else it is damaged, and nothing is touched.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from core.errors import ArchiveDamagedError
from core.store.live_files import RESTORE, LiveFiles
from core.store.log_records import LogReader
from core.store.witness import Witness
from sdk import durable, private

QUARANTINE_FOLDER = "quarantine"
_BATCH_HEAD = struct.Struct("<QI")
"""How a record begins: the sequence of its first row, and how many rows it has."""

OUT_OF_ORDER = "leaves records out, or repeats them,"
UNCHECKED = 2**64
LOOKS = 3

log = logging.getLogger(__name__)


class Cut(NamedTuple):
    """Where the logs can be read to: within one, and not the later ones. `reached` is the sequence
    up to which nothing is missing.
    """

    path: Path
    offset: int
    later: list[Path]
    reached: int
    reason: str


def cut_garbage(data: Path, folder: Path, witness: Witness | None) -> None:
    """Make an archive open again whose logs end in what is no truth; raises ArchiveDamagedError
    where that is not all behind what its witness saw. For who is about to open it as its writer.
    """
    if witness is None:
        return
    with _locked(folder) as is_locked:
        if not is_locked:  # The writer that holds it adds to these logs.
            return
        live = LiveFiles(folder)
        try:
            live.refresh()
        except FileNotFoundError:
            return
        # RocksDB compares all checksums when it opens; here they count where something is cut off.
        cut = _find_cut(live, witness.sequence) and _find_cut(live, 0)
        if cut is None:
            return
        durable = max(witness.sequence, live.last_sequence)
        if cut.reached < durable:
            raise ArchiveDamagedError(
                f"the archive in {folder} is damaged: {cut.path} {cut.reason} at byte "
                f"{cut.offset}, behind record {cut.reached} where {durable} were durable. {RESTORE}"
            )
        _put_aside(data, cut)


def _find_cut(live: LiveFiles, checked_behind: int) -> Cut | None:
    """Where the logs have a hole or what is no record; None where they go on to their end.
    Checksums are compared behind a sequence.
    """
    paths = live.needed_logs()
    reached: int | None = None
    for place, path in enumerate(paths):
        later = paths[place + 1 :]
        with _content(path) as content:
            reached, offset, reason = _read(content, reached, checked_behind)
        if reason:
            # The newest log was begun when all before it was in files or in older logs.
            known = live.last_sequence if not later else 0
            return Cut(path, offset, later, known if reached is None else reached, reason)
    return None


def _read(
    content: bytes | memoryview, reached: int | None, checked_behind: int
) -> tuple[int | None, int, str]:
    """Read a log behind a sequence; the sequence and the offset that it can be read to, and why no
    further, empty at its end.
    """
    reader, offset = LogReader(content), 0
    for record in reader:
        head = record.payload(content, _BATCH_HEAD.size)
        if len(head) < _BATCH_HEAD.size:
            return reached, offset, "holds what is no batch"
        first, rows = _BATCH_HEAD.unpack(head)
        if reached is not None and first != reached + 1:
            return reached, offset, OUT_OF_ORDER
        end = max(reached or 0, first + rows - 1)
        if end > checked_behind and not record.is_sound(content):
            return reached, offset, "cannot be read"
        reached, offset = end, reader.offset
    return reached, offset, "cannot be read" if reader.ending == "damaged" else ""


def refuse_holes(folder: Path) -> None:
    """Raise ArchiveDamagedError where records are missing between those of the logs: RocksDB would
    read what comes behind as if nothing were; or where one cannot be read, at which a secondary may
    wait for ever.
    """
    cut: Cut | None = None
    for _ in range(LOOKS):  # A writer may remove a log just as it is read.
        with contextlib.suppress(FileNotFoundError):
            live = LiveFiles(folder)
            live.refresh()
            cut = _find_cut(live, UNCHECKED) or _lost_logs(live)
            if cut is None:
                return
    if cut is not None:
        raise ArchiveDamagedError(
            f"{cut.path} is damaged: it {cut.reason} at byte {cut.offset}, behind record "
            f"{cut.reached}. {RESTORE}"
        )


def _lost_logs(live: LiveFiles) -> Cut | None:
    """Whether the logs begin behind what the MANIFEST knows of: it has lost its end, and with it
    the files that took the place of the logs between.
    """
    paths = live.needed_logs()
    for place, path in enumerate(paths):
        with _content(path) as content:
            record = next(iter(LogReader(content)), None)
            if record is None:
                continue
            first, _ = _BATCH_HEAD.unpack(record.payload(content, _BATCH_HEAD.size))
        if first > live.last_sequence + 1:
            return Cut(path, 0, paths[place + 1 :], live.last_sequence, OUT_OF_ORDER)
        return None
    return None


def quarantined(data: Path) -> list[str]:
    """The names of what was cut off, ever."""
    return sorted(path.name for path in (data / QUARANTINE_FOLDER).glob("*.log.*"))


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Whether no writer has the archive, while the block runs."""
    with (folder / "LOCK").open("ab") as lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def _content(path: Path) -> Iterator[bytes | memoryview]:
    """A log as it lies on the disk."""
    if path.stat().st_size == 0:
        yield b""
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as content,
    ):
        yield content


def _put_aside(data: Path, cut: Cut) -> None:
    """Keep what is behind a cut, durably, before it is cut off."""
    quarantine = data / QUARANTINE_FOLDER
    private.make_folder(quarantine)
    tail = cut.path.read_bytes()[cut.offset :]
    kept = [_kept(quarantine, cut.path, cut.offset, tail)]
    kept += [_kept(quarantine, path, 0, path.read_bytes()) for path in cut.later]
    durable.sync_folder(quarantine)
    for path in reversed(cut.later):
        path.unlink()
    with cut.path.open("r+b") as file:
        file.truncate(cut.offset)
        os.fsync(file.fileno())
    durable.sync_folder(cut.path.parent)
    context = {
        "log": str(cut.path),
        "byte": cut.offset,
        "reason": cut.reason,
        "kept": [str(path) for path in kept],
    }
    log.error("what lay behind the truth in a log was cut off", extra={"context": context})


def _kept(quarantine: Path, path: Path, offset: int, content: bytes) -> Path:
    """A copy of the bytes of a log from an offset on, under a name that says so."""
    number = 1
    while (target := quarantine / f"{path.name}.from-{offset}.{number}").exists():
        number += 1
    with target.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return target
