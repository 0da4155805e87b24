"""The mark beside the host's database: how many transactions it had committed, and how many when it
was last synced.

SQLite reads its write-ahead log up to the first frame that is damaged or missing, and cannot know
that more were there. The database counts its transactions in itself; one whose count is below the
mark has lost the newest of them. The mark is written after each commit and never synced: a kill
keeps it, and a power cut can only make it older than what is synced.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from nova.sdk import durable

MARK_END = "-mark"
"""What follows the name of the database in that of its mark."""
_COUNTS = struct.Struct(">QQ")
_CRC32 = struct.Struct(">I")


class MarkedCommits(NamedTuple):
    """Transactions that were committed, and those of them that were synced."""

    commits: int
    synced: int


def read_mark(path: Path) -> MarkedCommits | None:
    """What a mark says; None if it is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    counts = content[: _COUNTS.size]
    if content != counts + _CRC32.pack(zlib.crc32(counts)) or len(counts) < _COUNTS.size:
        return None
    return MarkedCommits(*_COUNTS.unpack(counts))


class CommitMark:
    """The open mark of a database."""

    def __init__(self, path: Path, marked: MarkedCommits) -> None:
        """Create the mark, or begin it anew."""
        durable.replace(path, _content(marked))
        self._marked = marked
        self._file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)

    @property
    def commits(self) -> int:
        """How many transactions are committed."""
        return self._marked.commits

    def advance(self, *, is_synced: bool) -> None:
        """Count a transaction that is committed, and with the earlier ones synced if that is so."""
        commits = self._marked.commits + 1
        self._marked = MarkedCommits(commits, commits if is_synced else self._marked.synced)
        with contextlib.suppress(OSError):  # An older mark only notices less.
            os.pwrite(self._file, _content(self._marked), 0)

    def close(self) -> None:
        os.close(self._file)


def _content(marked: MarkedCommits) -> bytes:
    counts = _COUNTS.pack(*marked)
    return counts + _CRC32.pack(zlib.crc32(counts))
