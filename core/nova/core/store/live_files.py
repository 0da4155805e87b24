"""Reads a database's MANIFEST for the files that belong to it.

A RocksDB secondary silently continues without a file that it cannot open. So the MANIFEST is read
here too, and its files are compared with those that RocksDB has open.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from nova.core.errors import ArchiveDamagedError, ArchiveError
from nova.core.store.log_records import BLOCK_BYTES, LogReader
from nova.core.store.shortage import shortage
from nova.core.store.version_edit import EditError, VersionEdit
from nova.sdk import durable

CURRENT_FILE = "CURRENT"
DEFAULT_FAMILY = "default"
FOOTER_END = bytes.fromhex("f7cff485b741e288")
"""The magic number that every table file ends with."""

NAMED_MAX_FILES = 5
_MANIFEST = re.compile(r"MANIFEST-\d+")
_LOG = re.compile(r"\d+\.log", re.ASCII)
RESTORE = "Restore the archive from a copy"


def _is_log(path: Path) -> bool:
    return _LOG.fullmatch(path.name) is not None


def manifest_stamp(folder: Path) -> tuple[str, int] | None:
    """The name and length of a database's MANIFEST, None if there is none: it changes with each
    edit.
    """
    try:
        name = (folder / CURRENT_FILE).read_text("ascii", "replace").strip()
        if _MANIFEST.fullmatch(name) is None:
            return None
        return name, (folder / name).stat().st_size
    except OSError:
        return None


class ManifestEndError(ArchiveDamagedError):
    """What follows the last readable record of a MANIFEST is damaged."""


class LiveFiles:
    """The table files of a database and its oldest needed log; `refresh` reads incrementally."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._current_file = str(folder / CURRENT_FILE)
        self._current_stamp = (0, 0)
        self._manifest = ""
        self._read_bytes = 0
        self.sizes: dict[int, int] = {}
        """Size in bytes of each table file, by file number."""

        self.unique_ids: dict[int, str] = {}
        """The unique id of each table file as hex; a number is used again after a restore."""

        self.last_sequence = 0
        """Every record up to this sequence is in a table file or in a log that is still needed."""

        self._families: dict[str, int] = {DEFAULT_FAMILY: 0}
        self._newest_sequences: dict[int, int] = {}
        self._log_numbers: dict[int, int] = {}
        self._oldest_log = 0

    @property
    def manifest(self) -> str:
        """The path of the MANIFEST that `refresh` last read."""
        return self._manifest

    @property
    def read_bytes(self) -> int:
        """The length of what `refresh` has read of the MANIFEST."""
        return self._read_bytes

    def newest_sequence(self, family: str) -> int:
        """The newest sequence of a family in any table file since this MANIFEST was started."""
        return self._newest_sequences.get(self._families.get(family, 0), 0)

    @property
    def oldest_log(self) -> int:
        return max(self._oldest_log, min(self._log_numbers.values(), default=0))

    def needed_logs(self) -> list[Path]:
        """Paths of the existing logs that are still needed, oldest first."""
        # RocksDB ignores other names, such as `old.log`.
        numbered = {int(path.stem): path for path in self.folder.glob("*.log") if _is_log(path)}
        logs = [numbered[number] for number in sorted(numbered) if number >= self.oldest_log]
        for path in logs:
            if path.is_dir():
                raise ArchiveError(f"{path} is a folder, but a log has such a name: move it away")
        return logs

    def refresh(self) -> bool:
        """Read what was appended to the MANIFEST, or all of a new one; returns whether there was
        anything.

        Raises ArchiveDamagedError if it cannot be read, FileNotFoundError if RocksDB replaced it
        meanwhile.
        """
        current = os.stat(self._current_file)
        stamp = (current.st_ino, current.st_mtime_ns)
        if stamp != self._current_stamp:
            self._reset(self._current_manifest())
            self._current_stamp = stamp
        before = self._read_bytes
        if os.stat(self._manifest).st_size != before:
            self._read_new_records(self._manifest)
        return self._read_bytes != before

    def fault_of(self, numbers: Sequence[int]) -> str:
        """Why RocksDB has not opened these files, from inspecting them. One damaged file may keep
        it from opening others, so only the certainly damaged ones are named if there are any.
        """
        if certain := self.certain_faults(numbers):
            return "; ".join(certain[:NAMED_MAX_FILES])
        named = ", ".join(str(self._path(number)) for number in numbers[:NAMED_MAX_FILES])
        return f"{named} cannot be opened" if len(numbers) == 1 else f"one of {named} is damaged"

    def certain_faults(self, numbers: Iterable[int]) -> list[str]:
        """The files that are missing, cut or without their footer, each with what is wrong."""
        faults = ((self._path(number), self._certain_fault(number)) for number in numbers)
        return [f"{path} {fault}" for path, fault in faults if fault]

    def _certain_fault(self, number: int) -> str | None:
        path, recorded = self._path(number), self.sizes[number]
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                file.seek(max(0, size - len(FOOTER_END)))
                end = file.read()
        except OSError as error:
            if short := shortage(str(path), str(error)):
                raise short from error
            return "is missing" if error.errno == errno.ENOENT else f"cannot be read: {error}"
        if size != recorded:
            return f"has {size} bytes, but the MANIFEST records {recorded}"
        return None if end == FOOTER_END else "has a damaged footer"

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.sst"

    def _current_manifest(self) -> str:
        """The path of the MANIFEST that CURRENT names."""
        name = durable.read(Path(self._current_file)).decode("ascii", "replace").removesuffix("\n")
        if _MANIFEST.fullmatch(name) is None:
            raise ArchiveDamagedError(f"{self._current_file} does not name a MANIFEST. {RESTORE}")
        return str(self.folder / name)

    def _reset(self, manifest: str) -> None:
        self._manifest, self._read_bytes = manifest, 0
        self.sizes, self._newest_sequences, self._log_numbers = {}, {}, {}
        self.unique_ids = {}
        self._families = {DEFAULT_FAMILY: 0}
        self.last_sequence = self._oldest_log = 0

    def _read_new_records(self, path: str) -> None:
        base = self._read_bytes // BLOCK_BYTES * BLOCK_BYTES
        if Path(path).is_dir():
            raise ArchiveError(f"{path} is a folder, but the MANIFEST has its name: move it away")
        with Path(path).open("rb") as file:
            file.seek(base)
            content = file.read()
        reader = LogReader(content, self._read_bytes - base)
        reason = ""
        try:
            for record in reader:
                # A RocksDB secondary would wait forever at a record with a wrong checksum.
                if not record.is_sound(content):
                    raise EditError("the checksum of the next record is wrong")
                self._apply(VersionEdit.decode(record.payload(content)))
                self._read_bytes = base + reader.offset
        except EditError as error:
            reason = f" ({error})"
        if reason or reader.ending == "damaged":
            raise ManifestEndError(
                f"{path} is damaged after byte {self._read_bytes}{reason}. {RESTORE}"
            )

    def _apply(self, edit: VersionEdit) -> None:
        for number in edit.deleted:
            self.sizes.pop(number, None)
            self.unique_ids.pop(number, None)
        for file in edit.added:
            self.sizes[file.number] = file.size
            self.unique_ids[file.number] = file.unique_id.hex()
            self._newest_sequences[edit.family] = max(
                self._newest_sequences.get(edit.family, 0), file.last_sequence
            )
        if edit.added_family is not None:
            self._families[edit.added_family] = edit.family
        self.last_sequence = max(self.last_sequence, edit.last_sequence)
        self._oldest_log = max(self._oldest_log, edit.oldest_log)
        if edit.is_family_dropped:
            self._log_numbers.pop(edit.family, None)
        elif edit.log_number is not None:
            self._log_numbers[edit.family] = edit.log_number
