"""Reading the files of an export in memory that does not grow with what they hold or claim to hold.

A small zip may expand to any size, and a length in a file may say anything, so every single thing
that has to be in memory whole has a limit, and what goes beyond it is refused by name.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from sdk.drivers.opening import CHECKPOINT_METADATA
from sdk.errors import NovaError

if TYPE_CHECKING:
    from mcap.records import Chunk

MIB = 1024 * 1024
READ_BYTES = 1 * MIB
RECORD_MAX_BYTES = 64 * MIB
"""The largest envelope that any Core takes; also the largest chunk of an MCAP file, ours have 8 MiB
or little more.
"""

MANIFEST_MAX_BYTES = 64 * MIB


def whole(file: BinaryIO, name: str, max_bytes: int = MANIFEST_MAX_BYTES) -> bytes:
    """All of a file; raises NovaError where that is too much."""
    data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise _too_large(name, "the file", max_bytes)
    return data


def lines(file: BinaryIO, name: str, max_bytes: int = RECORD_MAX_BYTES) -> Iterator[bytes]:
    """The lines that hold anything, without their ends; raises NovaError where one is too long."""
    parts: list[bytes] = []
    size, number = 0, 1
    while block := file.read(READ_BYTES):
        for place, part in enumerate(block.split(b"\n")):
            if place > 0:
                if text := b"".join(parts).rstrip(b"\r"):
                    yield text
                parts, size, number = [], 0, number + 1
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise _too_large(name, f"line {number}", max_bytes)
    if text := b"".join(parts).rstrip(b"\r"):
        yield text


def messages(file: BinaryIO, name: str, max_bytes: int = RECORD_MAX_BYTES) -> Iterator[bytes]:
    """The events of an MCAP file in the order of the file, which is read once and never sought in;
    raises NovaError where it is none, or a record of it is too large.
    """
    try:
        from mcap.exceptions import McapError
        from mcap.records import Channel, Chunk, Message
        from mcap.stream_reader import StreamReader, breakup_chunk
    except ImportError as error:
        raise NovaError(f"{name} needs {error.name}: pip install 'nova-truth[mcap]'") from error
    shown: set[int] = set()
    """Channels of what was shown, which is no event."""

    capped = cast("BinaryIO", _Capped(file, name, max_bytes))  # All that is asked of it is `read`.
    reader = StreamReader(capped, emit_chunks=True)
    try:
        for outer in reader.records:
            inner = (
                breakup_chunk(inflated(outer, name, max_bytes))
                if isinstance(outer, Chunk)
                else [outer]
            )
            for record in inner:
                if isinstance(record, Channel) and record.metadata == CHECKPOINT_METADATA:
                    shown.add(record.id)
                elif isinstance(record, Message) and record.channel_id not in shown:
                    yield record.data
    except NovaError:
        raise
    # A damaged length or text ends in any of these, deep in the library.
    except (McapError, ValueError, struct.error, MemoryError, RuntimeError) as error:
        raise NovaError(f"{name} is no whole MCAP file: {error}") from error


class _Capped:
    """A file of which not too much is read at once: a length in it says how much."""

    def __init__(self, file: BinaryIO, name: str, max_bytes: int) -> None:
        self._file = file
        self._name = name
        self._max_bytes = max_bytes

    def read(self, size: int) -> bytes:
        """So many bytes; raises NovaError where they are too many, or not there."""
        if size > self._max_bytes:
            raise _too_large(self._name, "a record", self._max_bytes)
        data = self._file.read(size)
        if len(data) < size:
            raise NovaError(f"{self._name} is no whole MCAP file: it ends too early")
        return data


def inflated(chunk: Chunk, name: str, max_bytes: int) -> Chunk:
    """A chunk whose data are not compressed; what they expand to is found by expanding, up to the
    limit, for what a chunk or a frame says of it may be wrong.
    """
    data = chunk.data
    if chunk.compression == "zstd":
        data = _from_zstd(data, name, max_bytes)
    elif chunk.compression == "lz4":
        import lz4.frame  # type: ignore[import-untyped]

        data = lz4.frame.LZ4FrameDecompressor().decompress(data, max_bytes + 1)
    if len(data) > max_bytes:
        raise _too_large(name, "a chunk", max_bytes)
    chunk.compression, chunk.data = "", data
    return chunk


def _from_zstd(data: bytes, name: str, max_bytes: int) -> bytes:
    import zstandard

    try:
        expander = zstandard.ZstdDecompressor(max_window_size=RECORD_MAX_BYTES)
        with expander.stream_reader(data) as expanding:
            return expanding.read(max_bytes + 1)
    except zstandard.ZstdError as error:
        raise NovaError(f"{name} is no whole MCAP file: a chunk of it: {error}") from error


def _too_large(name: str, what: str, max_bytes: int) -> NovaError:
    return NovaError(
        f"{name}: {what} has more than {max_bytes:,} bytes, which is the most that is read: "
        "this is no export of NOVA, or it is damaged"
    )
