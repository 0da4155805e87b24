"""Decompression of MCAP chunks, up to a limit and as far as a damaged chunk allows."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nova.sdk.errors import NovaError

if TYPE_CHECKING:
    from mcap.records import Chunk

BLOCK_BYTES = 64 * 1024
"""Bytes decompressed at once; a damaged chunk yields the blocks before the damage."""

WINDOW_MAX_BYTES = 64 * 1024 * 1024
CHUNK_HEAD = struct.Struct("<QQQII")


def parse_chunk(content: bytes) -> Chunk:
    """Parse a chunk record, whose data may be truncated."""
    from mcap.records import Chunk

    start, end, whole, crc, name_bytes = CHUNK_HEAD.unpack_from(content)
    data_at = CHUNK_HEAD.size + name_bytes + 8
    compression = content[CHUNK_HEAD.size : data_at - 8].decode(errors="replace")
    return Chunk(compression, content[data_at:], end, start, crc, whole)


def decompress(chunk: Chunk, max_bytes: int) -> tuple[bytes, str]:
    """The decompressed content, and why it is incomplete (empty if complete). The size is limited
    while decompressing, since the sizes in chunk and frame headers may be wrong.
    """
    parts: list[bytes] = []
    size = 0
    try:
        for part in _decompressed_blocks(chunk, max_bytes):
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                return b"", f"exceeds {max_bytes:,} bytes, the most that is read"
    except NovaError as error:
        return b"".join(parts), str(error)
    if size < chunk.uncompressed_size:
        return b"".join(parts), f"has {size:,} of {chunk.uncompressed_size:,} bytes"
    return b"".join(parts), ""


def _decompressed_blocks(chunk: Chunk, max_bytes: int) -> Iterator[bytes]:
    if chunk.compression == "zstd":
        yield from _from_zstd(chunk.data)
    elif chunk.compression == "lz4":
        yield from _from_lz4(chunk.data, max_bytes)
    elif chunk.compression == "":
        yield chunk.data
    else:
        raise NovaError(f"is compressed as {chunk.compression!r}; zstd and lz4 are supported")


def _from_zstd(data: bytes) -> Iterator[bytes]:
    import zstandard

    try:
        expander = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX_BYTES)
        with expander.stream_reader(data) as expanding:
            while part := expanding.read(BLOCK_BYTES):
                yield part
    except (zstandard.ZstdError, MemoryError, ValueError) as error:
        raise NovaError(f"cannot be decompressed: {error}") from error


def _from_lz4(data: bytes, max_bytes: int) -> Iterator[bytes]:
    import lz4.frame

    expander = lz4.frame.LZ4FrameDecompressor()
    try:
        for begin in range(0, len(data), BLOCK_BYTES):
            if expander.eof:
                return
            yield expander.decompress(data[begin : begin + BLOCK_BYTES], max_bytes + 1)
    except (RuntimeError, MemoryError, EOFError, ValueError) as error:
        raise NovaError(f"cannot be decompressed: {error}") from error
