"""`type = "file"`: a file that grows, followed line by line over its rotations, as `tail -F` does.

How far it is read lies on disk, so what is written while no host runs is read by the next one. A
file that is moved aside is read to its end before the new one is begun, and until nothing has been
added for a moment: who writes may not have noticed yet. One that is cut short is read again from
its start; if it has grown beyond the old place by then, nobody can know.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from sdk.envelope import JsonObject
from sdk.hardware.device import Command, CommandRefusedError, Progress, Reading, Setup, Target
from sdk.hardware.lines import LineReader, LineSplitter, Meaning

POLL_S = 0.2
GRACE_S = 2.0
"""How long a file that was moved aside must be silent before the new one is begun."""
READ_MAX_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class FollowerOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The members of such a device in the configuration."""

    path: str
    decode: Meaning = "text"
    entity: str | None = None
    type_member: str | None = None
    start: Literal["beginning", "end"] = "beginning"


class _Mark(msgspec.Struct):
    """A place in a file that may have been renamed since."""

    inode: int
    offset: int


class FileFollower:
    """Reads a growing file."""

    can_wait = True

    def __init__(self, setup: Setup) -> None:
        options = setup.options_as(FollowerOptions)
        self._path = Path(options.path)
        self._start = options.start
        self._entity = setup.entity(options.entity)
        self._lines = LineReader(options.decode, self._entity, type_member=options.type_member)
        self._splitter = LineSplitter()
        self._mark_path = setup.folder / "mark.json"
        self._file: BinaryIO | None = None
        self._inode = 0
        self._read_bytes = 0
        self._last_growth_s = 0.0
        self._marked: _Mark | None = None

    def targets(self) -> Sequence[Target]:
        """One entity that takes no commands."""
        return [Target(self._entity, ("telemetry:lines",))]

    async def open(self) -> None:
        """Go on where the last one ended; at the start of the file if nobody was there before."""
        self._splitter = LineSplitter()
        self._marked = self._stored_mark()
        if self._marked is not None:
            path = self._path_of(self._marked.inode)
            if path is None:
                _log.warning("the file that was read is gone", extra={"context": self._named()})
            else:
                self._begin(path, self._marked.offset)
        elif self._path.exists():
            self._begin(self._path, self._path.stat().st_size if self._start == "end" else 0)
            self._mark()

    async def read(self) -> Sequence[Reading]:
        """The lines that were added since; waits for some."""
        self._mark()  # what was returned before is safe by now
        while True:
            data = self._file.read(READ_MAX_BYTES) if self._file is not None else b""
            self._read_bytes += len(data)
            if data:
                self._last_growth_s = time.monotonic()
            lines = self._splitter.feed(data)
            if not data:
                lines = self._turn_over()
            readings = [
                reading for line in lines if line.strip() for reading in self._lines.readings(line)
            ]
            if readings:
                return readings
            if not data and not self._has_more():
                await asyncio.sleep(POLL_S)

    def _is_growing(self) -> bool:
        """Whether something has been added to the open file a moment ago."""
        return self._file is not None and time.monotonic() - self._last_growth_s < GRACE_S

    def _named(self) -> dict[str, object]:
        return {"path": str(self._path), "mark": self._marked}

    def _has_more(self) -> bool:
        """Whether the open file goes on; a new one has just been opened perhaps."""
        return self._file is not None and os.fstat(self._file.fileno()).st_size > self._read_bytes

    def _turn_over(self) -> list[bytes]:
        """At the end of the file: go on with what has come in its place, if anything has.

        The unfinished line of the old file is returned, for nobody will finish it.
        """
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return []
        if self._file is not None and now.st_ino == self._inode:
            if now.st_size >= self._read_bytes:
                return []
        elif self._is_growing() or self._has_more():
            return []
        self._begin(self._path, 0)
        rest = self._splitter.rest()
        return [rest] if rest else []

    def _begin(self, path: Path, offset: int) -> None:
        file = path.open("rb")
        if self._file is not None:
            self._file.close()
        status = os.fstat(file.fileno())
        offset = offset if offset <= status.st_size else 0
        file.seek(offset)
        self._file, self._inode, self._read_bytes = file, status.st_ino, offset

    def _path_of(self, inode: int) -> Path | None:
        """Where the file is by now: rotation gives it a name that begins with its old one."""
        for path in [self._path, *sorted(self._path.parent.glob(f"{self._path.name}*"))]:
            if path.is_file() and path.stat().st_ino == inode:
                return path
        return None

    def _stored_mark(self) -> _Mark | None:
        try:
            return msgspec.json.decode(self._mark_path.read_bytes(), type=_Mark)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def _mark(self) -> None:
        if self._file is None:
            return
        mark = _Mark(self._inode, self._read_bytes - self._splitter.waiting_bytes)
        if mark != self._marked:
            aside = self._mark_path.with_suffix(".new")
            aside.write_bytes(msgspec.json.encode(mark))
            aside.replace(self._mark_path)
            self._marked = mark

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        """Refuse: a file does nothing."""
        raise CommandRefusedError("a file takes no commands")

    async def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
