"""Vector's BLF: compressed logs of CAN frames, which python-can reads."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from nova.recordings.can_message import (
    LibraryMessage,
    MeasuredFrame,
    MeasuredFrames,
    frame_of,
    since_start_ns,
)
from nova.recordings.recording import RecordingError
from nova.sdk.optional_imports import import_optional

BLF_MAGIC = b"LOGG"
OBJECT_MAGIC = b"LOBJ"
SEEK_BYTES = 1024 * 1024
_START_AT = 40
_SYSTEM_TIME = struct.Struct("<8H")
_SIZE_AT = 16
_SIZE = struct.Struct("<Q")


class _BlfReader(Protocol):
    file: BinaryIO
    start_timestamp: float

    def __iter__(self) -> Iterator[LibraryMessage]: ...
    def stop(self) -> None: ...


def blf_start(path: Path) -> str | None:
    """The start of the measurement as an ISO time without a zone; None if the log has none."""
    with path.open("rb") as file:
        head = file.read(_START_AT + _SYSTEM_TIME.size)
    if len(head) < _START_AT + _SYSTEM_TIME.size:
        raise RecordingError(f"{path} is cut in the head of a BLF file")
    year, month, _, day, hour, minute, second, ms = _SYSTEM_TIME.unpack_from(head, _START_AT)
    if not year:
        return None
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}"


def blf_frames(path: Path) -> MeasuredFrames:
    """The frames of a log; behind a damaged object it is read on from the next."""
    library = import_optional("can", "recordings")
    begin: int | None = None
    number = 0
    while True:
        reader = _opened(library.BLFReader, path, begin)
        try:
            for message in reader:
                at_bytes, at_ns = reader.file.tell(), since_start_ns(message.timestamp)
                number += 1
                yield MeasuredFrame(at_bytes, f"frame {number}", frame_of(message), at_ns)
            break
        except Exception as error:  # BLFParseError, struct, zlib, and ValueError of bad frames.
            end_bytes = reader.file.tell()
            reason = f"damaged up to here: {error or type(error).__name__}"
            yield MeasuredFrame(end_bytes, f"byte {end_bytes}", problem=reason)
            begin = _next_object(path, end_bytes)
        finally:
            reader.stop()
        if begin is None:
            break
    yield from _missing_end(path)


def _opened(opener: object, path: Path, begin: int | None) -> _BlfReader:
    """A reader whose times count from the start, as floats do not hold nanoseconds since 1970."""
    assert callable(opener)
    try:
        reader = cast(_BlfReader, opener(str(path)))
    except Exception as error:
        raise RecordingError(f"{path} is not a whole BLF file: {error}") from error
    reader.start_timestamp = 0.0
    if begin is not None:
        reader.file.seek(begin)
    return reader


def _next_object(path: Path, begin: int) -> int | None:
    with path.open("rb") as file:
        file.seek(begin)
        while piece := file.read(SEEK_BYTES):
            found = piece.find(OBJECT_MAGIC)
            if found >= 0:
                return file.tell() - len(piece) + found
            if len(piece) < SEEK_BYTES:
                return None
            file.seek(1 - len(OBJECT_MAGIC), 1)
    return None


def _missing_end(path: Path) -> MeasuredFrames:
    """The problem of a file that is shorter than its head says."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        file.seek(_SIZE_AT)
        (stated_bytes,) = _SIZE.unpack(file.read(_SIZE.size))
    if stated_bytes > size_bytes:
        reason = f"cut short: its head says {stated_bytes:,} bytes"
        yield MeasuredFrame(size_bytes, f"byte {size_bytes}", problem=reason)
