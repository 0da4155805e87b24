"""Rebuilds a folder as a power cut would leave it, from the journal that disk.c has written.

What a file held when its last successful sync began is there. Of every later write, and of every
later change of names in a folder that was not synced, only chance decides. A sync that failed makes
nothing durable, then or later: the kernel drops what it could not write.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_HEAD = struct.Struct("<IIIIQq")
SECTOR_BYTES = 512
ACKNOWLEDGED = "A"


class DiskRecord(NamedTuple):
    """One change, sync or acknowledgement: where it begins in the journal, and what it is."""

    begin: int
    end: int
    kind: str
    path: str
    other: str
    data: bytes
    inode: int
    offset: int


def acknowledgement(count: int) -> bytes:
    """The record that this many events are acknowledged, for the producer to append."""
    return _HEAD.pack(ord(ACKNOWLEDGED), 0, 0, 0, 0, count)


def records_of(journal: bytes) -> Iterator[DiskRecord]:
    """The records of a journal, in order; the last may be torn."""
    begin = 0
    while begin + _HEAD.size <= len(journal):
        kind, path_bytes, other_bytes, data_bytes, inode, offset = _HEAD.unpack_from(journal, begin)
        path_at = begin + _HEAD.size
        other_at = path_at + path_bytes
        data_at = other_at + other_bytes
        end = data_at + data_bytes
        if end > len(journal):
            return
        path, other = journal[path_at:other_at].decode(), journal[other_at:data_at].decode()
        data = journal[data_at:end]
        yield DiskRecord(begin, end, chr(kind), path, other, data, inode, offset)
        begin = end


class _Content:
    """A file: what is durable of it, and what is not yet."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = bytearray(durable)
        self.pending: list[DiskRecord] = []
        self.doubtful: list[DiskRecord] = []
        """Writes that a failed sync has dropped; some of them may have reached the disk."""

    def sync(self, begin: int) -> None:
        """Everything before a point of the journal is durable."""
        for record in self.pending:
            if record.begin < begin:
                _apply(self.durable, record)
        self.pending = [record for record in self.pending if record.begin >= begin]

    def fail_sync(self) -> None:
        """The pending writes are dropped."""
        self.doubtful += self.pending
        self.pending = []

    def after_cut(self, dice: random.Random) -> bytes:
        """What a power cut leaves."""
        content = bytearray(self.durable)
        share = dice.choice((0, 0, 0.5, 0.9, 1))
        is_prefix = dice.random() < 0.6
        for record in [*self.doubtful, *self.pending]:
            if dice.random() < share:
                _apply(content, record)
            elif is_prefix:
                _apply(content, _torn(record, dice))
                break
        return bytes(content)


def _apply(content: bytearray, record: DiskRecord) -> None:
    if record.kind == "T":
        del content[record.offset :]
    end = record.offset + len(record.data)
    if record.data or record.kind == "T":
        content.extend(bytes(max(0, record.offset - len(content))))
    content[record.offset : end] = record.data


def _torn(record: DiskRecord, dice: random.Random) -> DiskRecord:
    size = dice.randrange(len(record.data) + 1) // SECTOR_BYTES * SECTOR_BYTES
    return record._replace(kind="W", data=record.data[:size])


Names = dict[str, int | None]
"""The inode of each path; None is a folder."""


class DurableFolder:
    """A folder of which everything is durable that it has now; `play` continues with a journal."""

    def __init__(self, root: Path, acknowledged: int) -> None:
        self._root = root
        self._names: Names = {}
        self._contents: dict[int, _Content] = {}
        self._pending_names: list[DiskRecord] = []
        self.acknowledged = acknowledged
        for path in sorted(root.rglob("*")):
            inode = path.stat().st_ino if path.is_file() else None
            if path.is_file() or path.is_dir():
                self._names[str(path)] = inode
            if inode is not None:
                self._contents[inode] = _Content(path.read_bytes())

    def play(self, record: DiskRecord) -> None:
        """The next record of the journal."""
        if record.kind == ACKNOWLEDGED:
            self.acknowledged = record.offset
        elif record.kind in "SF":
            self._sync(record)
        elif record.kind in "WT":
            self._contents.setdefault(record.inode, _Content()).pending.append(record)
        else:
            if record.kind == "C":
                self._contents[record.inode] = _Content()
            self._pending_names.append(record)

    def _sync(self, record: DiskRecord) -> None:
        if record.inode in self._contents:
            content = self._contents[record.inode]
            content.sync(record.offset) if record.kind == "S" else content.fail_sync()
        elif record.kind == "S":
            left = []
            for change in self._pending_names:
                if change.begin < record.offset and _folder_of(change) == record.path:
                    _rename(self._names, change)
                else:
                    left.append(change)
            self._pending_names = left

    def after_cut(self, target: Path, dice: random.Random) -> None:
        """Make a folder as a power cut leaves this one now."""
        names = dict(self._names)
        for folder in dict.fromkeys(map(_folder_of, self._pending_names)):
            changes = [one for one in self._pending_names if _folder_of(one) == folder]
            for change in changes[: dice.randrange(len(changes) + 1)]:
                _rename(names, change)
        target.mkdir()
        for name, inode in sorted(names.items()):
            path = target / Path(name).relative_to(self._root)
            if not path.parent.is_dir():
                continue  # Its folder was not durable.
            if inode is None:
                path.mkdir(mode=0o700)
            else:
                path.write_bytes(self._contents[inode].after_cut(dice))


def _folder_of(change: DiskRecord) -> str:
    return (change.other or change.path).rpartition("/")[0]


def _rename(names: Names, change: DiskRecord) -> None:
    """Apply a change of names; one that a lost earlier change made impossible does nothing."""
    match change.kind:
        case "C":
            names[change.path] = change.inode
        case "M":
            names[change.path] = None
        case "U":
            names.pop(change.path, None)
        case "L" if change.path in names:
            names[change.other] = names[change.path]
        case "R" if change.path in names:
            names[change.other] = names.pop(change.path)
