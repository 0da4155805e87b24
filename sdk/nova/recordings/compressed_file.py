"""Files that are compressed with zstd, as daily files are once their day is over: read forward."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from nova.recordings.mcap_chunk import WINDOW_MAX_BYTES
from nova.recordings.mcap_window import Readable
from nova.sdk.errors import NovaError
from nova.sdk.install_command import install_command

COMPRESSED_SUFFIX = ".zst"
PIECE_BYTES = 1024
"""Compressed bytes that are expanded at once: to 45 MB at most, whatever they are."""


def plain_name(name: str) -> str:
    """The name of a file before it was compressed."""
    return name.removesuffix(COMPRESSED_SUFFIX)


class CompressedFile:
    """Reads what a file was before it was compressed; raises NovaError where it is damaged or cut,
    after what is before that. Memory is bounded, whatever it expands to.
    """

    def __init__(self, file: Readable, name: str) -> None:
        if find_spec("zstandard") is None:
            raise NovaError(f"{name} needs zstandard: {install_command('nova-sdk', 'mcap')}")
        self._parts = _unpacked(file, name)
        self._rest = b""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes; empty at the end."""
        found = self._rest or next(self._parts, b"")
        self._rest = found[size:]
        return found[:size]


def _unpacked(file: Readable, name: str) -> Iterator[bytes]:
    import zstandard

    expander = zstandard.ZstdDecompressor(max_window_size=WINDOW_MAX_BYTES)
    frame, frames = None, 0
    try:
        while packed := file.read(PIECE_BYTES):
            while packed:
                if frame is None:
                    frame, frames = expander.decompressobj(), frames + 1
                if part := frame.decompress(packed):
                    yield part
                packed = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    except (zstandard.ZstdError, MemoryError, ValueError) as error:
        raise NovaError(f"{name}: cannot be decompressed: {error}") from error
    if frame is not None or not frames:
        raise NovaError(f"{name}: is cut: the end of what was compressed is missing")
