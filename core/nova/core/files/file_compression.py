"""How a file of lines or frames is compressed once its day is over: as one zstd frame, which states
its size and ends with a checksum.
"""

from __future__ import annotations

from typing import BinaryIO

import zstandard

COMPRESSED_SUFFIX = ".zst"
LEVEL = 3
"""zstd's own default: higher ones take several times the CPU for some percent."""


def compress(source: BinaryIO, size: int, out: BinaryIO) -> None:
    """Compress the `size` bytes of a file; the same bytes and version of zstd give the same."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    compressor.copy_stream(source, out, size=size)
