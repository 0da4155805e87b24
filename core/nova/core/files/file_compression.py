"""How a file of lines or frames is compressed once its day is over: as one zstd frame, which states
its size and ends with a checksum.
"""

from __future__ import annotations

from typing import BinaryIO

import zstandard

COMPRESSED_SUFFIX = ".zst"
LEVEL = 1
"""Higher ones take up to several times the CPU for one or two percent: ids are most of what is left
of an event.
"""


def compress(source: BinaryIO, size: int, out: BinaryIO) -> None:
    """Compress the `size` bytes of a file; the same bytes and version of zstd give the same."""
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    compressor.copy_stream(source, out, size=size)
