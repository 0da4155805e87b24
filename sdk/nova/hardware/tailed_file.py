"""`type = "file"`: a growing file, read line by line across rotations like `tail -F`.

The offset is stored, so the next host reads what is written while none runs. Before lines are
published, their end and host time are stored too: after a kill they are read again as the same
events, which are known when they come twice. A renamed file is read to its end, and until it has
not grown for a while since its writer may not have noticed, before the new file is opened. A
truncated file is read again from its start. If it has grown beyond the old offset by then, the
truncation cannot be detected.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from nova.hardware.device import Command, CommandRefusedError, Progress, Reading, Setup, Target
from nova.hardware.line_reader import LF_WAIT_S, LineFormat, LineReader, LineSplitter, LineState
from nova.sdk import durable, timestamps
from nova.sdk.field_types import JsonObject
from nova.sdk.regular_file import open_regular

POLL_S = 0.2
QUIET_S = 2.0
"""How long a renamed file must not grow before the new one is opened."""
READ_MAX_BYTES = 256 * 1024

_log = logging.getLogger(__name__)


class TailedFileOptions(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The options of this device type."""

    path: str
    decode: LineFormat = "text"
    entity: str | None = None
    time: Literal["host", "device"] = "host"
    type_member: str | None = None
    start: Literal["beginning", "end"] = "beginning"


class _FileOffset(msgspec.Struct, omit_defaults=True):
    """An offset in a file that may have been renamed since.

    The lines from there to `end`, if given, may have been published, with host times from `at_ns`
    on. Without it, `at_ns` is the earliest host time of the next lines.
    """

    inode: int
    offset: int
    end: int | None = None
    at_ns: int = 0
    state: LineState = msgspec.field(default_factory=LineState)


class TailedFile:
    """Reads a growing file."""

    can_wait = True

    def __init__(
        self,
        setup: Setup,
        *,
        now_ns: Callable[[], int] = timestamps.now,
        poll_s: float = POLL_S,
        quiet_s: float = QUIET_S,
    ) -> None:
        options = setup.options_as(TailedFileOptions)
        self._now_ns = now_ns
        self._poll_s = poll_s
        self._quiet_s = quiet_s
        self._path = Path(options.path)
        self._start = options.start
        self._entity = setup.entity(options.entity)
        self._lines = LineReader(
            options.decode,
            self._entity,
            type_member=options.type_member,
            device_time=options.time == "device",
        )
        self._splitter = LineSplitter()
        self._offset_path = setup.folder / "mark.json"
        self._file: BinaryIO | None = None
        self._inode = 0
        self._read_bytes = 0
        self._last_growth_s = 0.0
        self._stored_offset: _FileOffset | None = None
        self._next_ns = 0
        self._again: list[bytes] | None = None
        self._is_replaced = False
        self._ended_ns = 0
        """When nothing was left to read since the last lines; 0 if there was no such time."""

    def targets(self) -> Sequence[Target]:
        """One entity that accepts no commands."""
        return [Target(self._entity, ("telemetry:lines",))]

    async def open(self) -> None:
        """Resume at the stored offset; without one, start as configured."""
        self._splitter = LineSplitter()
        self._again = None
        self._stored_offset = self._load_offset()
        if self._stored_offset is not None:
            path = self._path_of(self._stored_offset.inode)
            if path is None:
                _log.warning("the file being read is gone", extra={"context": self._log_context()})
            else:
                self._resume(path, self._stored_offset)
        elif self._path.exists():
            self._open_file(self._path, self._path.stat().st_size if self._start == "end" else 0)
            await self._store_offset()

    async def read(self) -> Sequence[Reading]:
        """Wait for new lines and return them."""
        if self._again is not None and self._stored_offset is not None:
            lines, self._again = self._again, None
            return self._date_readings(lines, self._stored_offset.at_ns)
        await self._store_offset()  # The previous readings are durable now.
        while True:
            begin = self._offset_here()
            data = self._file.read(READ_MAX_BYTES) if self._file is not None else b""
            self._read_bytes += len(data)
            if data:
                self._last_growth_s = time.monotonic()
            lines = self._splitter.feed(data)
            if not data:
                self._ended_ns = self._now_ns() if self._is_all_read() else self._ended_ns
                lines = self._ended_by_cr() or self._switch_file()
            if any(line.strip() for line in lines):
                begin.end = self._end_bytes
                begin.at_ns = max(self._now_ns(), self._next_ns)
                self._lines.leave_out(self._ended_ns, begin.at_ns)
                self._ended_ns = 0
                begin.state = self._lines.state()
                await self._store(begin)
                return self._date_readings(lines, begin.at_ns)
            if not data and not self._has_more():
                await asyncio.sleep(self._poll_s)

    def _date_readings(self, lines: list[bytes], at_ns: int) -> list[Reading]:
        """The readings of lines; each without a time of its own has the next of the host's."""
        readings = [
            reading
            for line in lines
            if line.strip()
            for reading in self._lines.readings(line, at_ns)
        ]
        self._next_ns = at_ns + len(readings)
        return [
            one if one.at_ns is not None else msgspec.structs.replace(one, at_ns=at_ns + place)
            for place, one in enumerate(readings)
        ]

    def _is_growing(self) -> bool:
        """Whether the open file has grown a short while ago."""
        return self._file is not None and time.monotonic() - self._last_growth_s < self._quiet_s

    def _log_context(self) -> dict[str, object]:
        return {"path": str(self._path), "mark": self._stored_offset}

    def _has_more(self) -> bool:
        """Whether the open file has unread bytes; it may have just been opened."""
        return self._file is not None and os.fstat(self._file.fileno()).st_size > self._read_bytes

    def _is_all_read(self) -> bool:
        """Whether the open file is still the one at the path, and read to its end."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return True
        return now.st_ino == self._inode and now.st_size == self._read_bytes

    def _switch_file(self) -> list[bytes]:
        """At the end of the file, switch to a file that replaced it, if there is one.

        Returns the incomplete last line of the old file, which will not be completed.
        """
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return []
        if self._file is not None and now.st_ino == self._inode:
            if now.st_size >= self._read_bytes and not self._is_replaced:
                return []
        elif self._is_growing() or self._has_more():
            return []
        self._is_replaced = True  # A truncated file may have grown by the next call.
        rest = self._splitter.rest()
        if not rest:
            self._open_file(self._path, 0)
        return rest

    def _ended_by_cr(self) -> list[bytes]:
        """At the end of the file, the line that a CR ends, unless its LF may still come."""
        is_waiting = time.monotonic() - self._last_growth_s < LF_WAIT_S
        return self._splitter.rest() if self._splitter.may_be_ended and not is_waiting else []

    def _resume(self, path: Path, mark: _FileOffset) -> None:
        """Continue at an offset; lines perhaps published before are returned again by `read`."""
        size = path.stat().st_size
        self._open_file(path, 0 if mark.end is not None and size < mark.end else mark.offset)
        self._lines.resume(mark.state)
        self._next_ns = mark.at_ns
        if mark.end is not None and self._file is not None and mark.end <= size:
            data = self._file.read(mark.end - mark.offset)
            self._read_bytes += len(data)
            self._again = [*self._splitter.feed(data), *self._splitter.rest()]

    def _open_file(self, path: Path, offset: int) -> None:
        file = BufferedReader(open_regular(path))
        if self._file is not None:
            self._file.close()
        status = os.fstat(file.fileno())
        offset = offset if offset <= status.st_size else 0
        file.seek(offset)
        self._file, self._inode, self._read_bytes = file, status.st_ino, offset
        self._is_replaced = False

    def _path_of(self, inode: int) -> Path | None:
        """The present path of the file; rotation appends to the original name."""
        for path in [self._path, *sorted(self._path.parent.glob(f"{self._path.name}*"))]:
            if path.is_file() and path.stat().st_ino == inode:
                return path
        return None

    def _load_offset(self) -> _FileOffset | None:
        try:
            return msgspec.json.decode(self._offset_path.read_bytes(), type=_FileOffset)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    @property
    def _end_bytes(self) -> int:
        """The offset up to which lines have been returned."""
        return self._read_bytes - self._splitter.waiting_bytes

    def _offset_here(self) -> _FileOffset:
        return _FileOffset(self._inode, self._end_bytes, None, self._next_ns, self._lines.state())

    async def _store_offset(self) -> None:
        if self._file is not None:
            await self._store(self._offset_here())

    async def _store(self, mark: _FileOffset) -> None:
        if mark != self._stored_offset:
            # In a thread, because the devices share the event loop.
            await asyncio.to_thread(durable.replace, self._offset_path, msgspec.json.encode(mark))
            self._stored_offset = mark

    async def execute(self, command: Command, progress: Progress) -> JsonObject | None:
        raise CommandRefusedError("a file accepts no commands")

    async def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
