"""The outbox log: ordered records on disk until their transport has stored them.

Segment files hold frames of length, checksum and record; a cursor file holds the published
position. Everything that a killed process had appended is found on reopening. A power cut may lose
the newest records, because appending does not sync.

The log is bounded. One that drops deletes its oldest segment when it is full, but never the one
being published; the deleted records are counted and reported to `on_lost` first. One that does not
drop requires its writer to check `has_room` and wait.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from nova.sdk.transport.base import Record

SEGMENT_MAX_BYTES = 4 * 1024 * 1024
SEGMENTS_MIN = 4
READ_MAX_RECORDS = 500
READ_MAX_BYTES = 1024 * 1024
SUFFIX = ".spool"
CURSOR_NAME = "cursor"
_FRAME = struct.Struct(">II")
_CURSOR = struct.Struct(">QQI")


class LogPosition(NamedTuple):
    """A position in the log: a segment and the offset of a frame in it."""

    segment: int
    offset: int


class LostRecords(NamedTuple):
    """Records that will never be published, and why; times are those of the envelopes.

    `records` is None if they cannot be counted.
    """

    reason: str
    records: int | None
    size_bytes: int
    from_time: str | None = None
    to_time: str | None = None


class _Segment:
    """One file of frames."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.path = folder / f"{number:016d}{SUFFIX}"
        self.size = self.path.stat().st_size if self.path.exists() else 0


class _StoredRecord(msgspec.Struct, array_like=True):
    address: str | None
    value: bytes


class _SourceTime(msgspec.Struct, rename="camel"):
    source_truth_time: str


class OutboxLog:
    """A folder of segments with one reader and one writer, both in this process."""

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        on_lost: Callable[[LostRecords], None],
        *,
        segment_max_bytes: int = SEGMENT_MAX_BYTES,
        drops: bool = True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._segment_max_bytes = min(segment_max_bytes, max_bytes // SEGMENTS_MIN)
        self._max_bytes = max_bytes
        self._on_lost = on_lost
        self._drops = drops
        self._dropping = False
        numbers = sorted(int(path.stem) for path in folder.glob(f"*{SUFFIX}"))
        self._segments = [_Segment(folder, number) for number in numbers]
        self.size_bytes = sum(segment.size for segment in self._segments)
        """Bytes on disk, published or not."""
        self._writer: BinaryIO | None = None
        self._reader: tuple[int, BinaryIO] | None = None
        self._cursor_file = os.open(folder / CURSOR_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        self._next_number = self._number_after(numbers)
        self._offset = self._resume_offset()

    def _number_after(self, numbers: Sequence[int]) -> int:
        """A number larger than all earlier segments', including those that were deleted."""
        return max([self._stored_cursor().segment, *numbers, 0]) + 1

    # --- writing ----------------------------------------------------------------------------------

    def append(self, records: Sequence[Record]) -> None:
        """Append records; raises OSError if the disk write fails."""
        frames = b"".join(_frame(record) for record in records)
        if self._drops and not self._dropping:
            self._drop_oldest(len(frames))
        segment = self._segment_for_writing()
        assert self._writer is not None
        try:
            if self._writer.write(frames) != len(frames):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(segment.path))
        except OSError:
            self._writer.truncate(segment.size)  # A partial frame would hide the frames after it.
            raise
        segment.size += len(frames)
        self.size_bytes += len(frames)

    def _segment_for_writing(self) -> _Segment:
        if self._writer is not None and self._segments[-1].size >= self._segment_max_bytes:
            self._writer.close()
            self._writer = None
        if self._writer is None:
            # Frames after a torn tail would be unreadable, so each process starts a new segment.
            segment = _Segment(self._folder, self._next_number)
            self._writer = segment.path.open("ab", buffering=0)
            self._next_number += 1
            self._segments.append(segment)
        return self._segments[-1]

    def has_room(self, records: Sequence[Record], reserve: float = 0.0) -> bool:
        """Whether records fit without dropping; `reserve` is an extra share of the limit.

        An empty log has room for everything, or records over the limit would wait for ever.
        """
        if self._drops or self.is_empty:
            return True
        more_bytes = sum(len(record.value) for record in records)
        return self.size_bytes + more_bytes <= self._max_bytes * (1 + reserve)

    def _drop_oldest(self, more_bytes: int) -> None:
        while self.size_bytes + more_bytes > self._max_bytes and len(self._segments) > 2:
            oldest = self._segments[1]  # The first may be being published.
            self._dropping = True
            try:
                self._on_lost(_loss_of_segment(oldest))
            finally:
                self._dropping = False
            self._remove(1)

    def _remove(self, index: int) -> None:
        segment = self._segments.pop(index)
        self.size_bytes -= segment.size
        segment.path.unlink(missing_ok=True)

    # --- reading ----------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether everything is published."""
        return self.size_bytes == self._offset

    @property
    def end(self) -> LogPosition:
        """The position after the newest record."""
        if not self._segments:
            return LogPosition(self._next_number, 0)
        return LogPosition(self._segments[-1].number, self._segments[-1].size)

    @property
    def start(self) -> LogPosition:
        """The position of the oldest unpublished record."""
        return LogPosition(self._segments[0].number, self._offset) if self._segments else self.end

    def read(self) -> tuple[list[Record], LogPosition]:
        """The oldest records of one segment, and the position to commit once they are published.

        Without a commit the next read returns the same. A damaged frame ends its segment: the bytes
        after it are reported as lost.
        """
        while self._segments:
            records, end = self._read_first()
            if records:
                return records, LogPosition(self._segments[0].number, end)
            if end < self._segments[0].size:
                rest = self._segments[0].size - end
                self._on_lost(LostRecords("a damaged place in the buffer", None, rest))
            self._offset = self._segments[0].size
            if not self._delete_first_segment():
                break
        return [], self.start

    def _read_first(self) -> tuple[list[Record], int]:
        segment = self._segments[0]
        if self._reader is None or self._reader[0] != segment.number:
            self._close_reader()
            self._reader = (segment.number, segment.path.open("rb"))
        file = self._reader[1]
        file.seek(self._offset)
        data = file.read(READ_MAX_BYTES)
        if _first_frame_bytes(data) > len(data):
            file.seek(self._offset)
            data = file.read(_first_frame_bytes(data))
        records, offset = [], self._offset
        for record, size in _frames(data):
            records.append(record)
            offset += size
            if len(records) == READ_MAX_RECORDS:
                break
        return records, offset

    def commit(self, position: LogPosition) -> None:
        """Mark everything before a position as published."""
        if not self._segments or self._segments[0].number != position.segment:
            return
        self._offset = max(self._offset, position.offset)
        os.pwrite(self._cursor_file, _cursor(LogPosition(position.segment, self._offset)), 0)
        self._delete_first_segment()

    def _delete_first_segment(self) -> bool:
        """Delete the first segment if it is published and will not grow; returns whether one is
        left.
        """
        first = self._segments[0]
        is_written = first is self._segments[-1] and self._writer is not None
        if self._offset < first.size or (is_written and first.size < self._segment_max_bytes):
            return False
        if is_written and self._writer is not None:
            self._writer.close()
            self._writer = None
        self._remove(0)
        self._offset = 0
        return bool(self._segments)

    def _resume_offset(self) -> int:
        """The offset in the first segment at which reading resumes, by the stored cursor."""
        cursor = self._stored_cursor()
        while self._segments and self._segments[0].number < cursor.segment:
            self._remove(0)
        if self._segments and self._segments[0].number == cursor.segment:
            return min(cursor.offset, self._segments[0].size)
        return 0

    def _stored_cursor(self) -> LogPosition:
        stored = os.pread(self._cursor_file, _CURSOR.size, 0)
        if len(stored) == _CURSOR.size:
            segment, offset, _ = _CURSOR.unpack(stored)
            if _cursor(LogPosition(segment, offset)) == stored:
                return LogPosition(segment, offset)
        return LogPosition(0, 0)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader[1].close()
            self._reader = None

    def close(self) -> None:
        """Close all files; unpublished records stay on disk."""
        self._close_reader()
        if self._writer is not None:
            self._writer.close()
        os.close(self._cursor_file)


def _cursor(place: LogPosition) -> bytes:
    return _CURSOR.pack(*place, zlib.crc32(b"%d/%d" % place))


def _frame(record: Record) -> bytes:
    body = msgspec.msgpack.encode(_StoredRecord(record.address, record.value))
    return _FRAME.pack(len(body), zlib.crc32(body)) + body


def _first_frame_bytes(data: bytes) -> int:
    """The size of the first frame by its header, limited to the largest possible one."""
    if len(data) < _FRAME.size:
        return 0
    size, _ = _FRAME.unpack_from(data)
    return int(min(size, SEGMENT_MAX_BYTES)) + _FRAME.size


def _frames(data: bytes) -> Iterator[tuple[Record, int]]:
    """The complete frames at the start of `data`, each with its size."""
    offset = 0
    while offset + _FRAME.size <= len(data):
        size, checksum = _FRAME.unpack_from(data, offset)
        body = data[offset + _FRAME.size : offset + _FRAME.size + size]
        if len(body) < size or zlib.crc32(body) != checksum:
            return
        try:
            stored = msgspec.msgpack.decode(body, type=_StoredRecord)
        except msgspec.DecodeError:
            return
        yield Record(stored.address, stored.value), _FRAME.size + size
        offset += _FRAME.size + size


def _loss_of_segment(segment: _Segment) -> LostRecords:
    """The records in a segment, as a loss."""
    times = []
    records = 0
    for record, _ in _frames(segment.path.read_bytes()):
        records += 1
        times.append(msgspec.json.decode(record.value, type=_SourceTime).source_truth_time)
    span = (min(times), max(times)) if times else (None, None)
    return LostRecords("the buffer was full", records, segment.size, *span)
