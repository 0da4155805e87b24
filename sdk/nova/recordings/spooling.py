"""Spools a stream (pipe, standard input) or a file of gzip to a private temporary file.

Readers read a recording more than once, a stream can be read once only, and one that is compressed
would be expanded each time.
"""

from __future__ import annotations

import gzip
import shutil
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from nova.recordings.format_detection import named_format
from nova.recordings.recording import RecordingError

STDIN = "-"
STDIN_NAME = "stdin"
CHUNK_BYTES = 1024 * 1024
RESERVE_BYTES = 512 * 1024 * 1024
"""The free space that a spooled stream leaves on its disk."""
GZIP_MAGIC = b"\x1f\x8b\x08"
GZIP_SUFFIX = ".gz"
READ_ONCE = frozenset({"jsonl"})
"""Formats that are read once; their streams are published while they come."""


@contextmanager
def rereadable(
    file: str, name: str | None, report: Callable[[str], None], reserve_bytes: int = RESERVE_BYTES
) -> Iterator[Path]:
    """The path of a recording that can be read more than once; `-` is standard input.

    A stream is spooled first, which is reported; its file is removed at the end. Raises
    RecordingError if it does not fit on the disk.
    """
    path = Path(file)
    is_stdin = file == STDIN
    if not is_stdin and stat.S_ISREG(path.stat().st_mode):
        with _unpacked(path, file, report, reserve_bytes) as plain:
            yield plain
    elif (name or named_format(path)) in READ_ONCE:
        yield Path("/dev/stdin") if is_stdin else path
    else:
        with TemporaryDirectory(prefix="nova-") as folder:
            spooled = Path(folder) / (STDIN_NAME if is_stdin else path.name)
            title = "standard input" if is_stdin else file
            report(f"{title} is a stream: it is spooled to {spooled} and read when it ends")
            try:
                _spool(path, is_stdin, spooled, reserve_bytes)
            except OSError as error:
                raise RecordingError(f"cannot spool {title}: {error.strerror}") from error
            with _unpacked(spooled, title, report, reserve_bytes) as plain:
                yield plain


@contextmanager
def _unpacked(
    path: Path, title: str, report: Callable[[str], None], reserve_bytes: int
) -> Iterator[Path]:
    """The file itself, or what it was before gzip compressed it."""
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if not is_packed:
        yield path
        return
    with TemporaryDirectory(prefix="nova-") as folder:
        plain = Path(folder) / path.name.removesuffix(GZIP_SUFFIX)
        report(f"{title} is compressed: it is unpacked to {plain} and read from there")
        try:
            with gzip.open(path) as stream, plain.open("xb") as copy:
                _copy(stream, copy, plain, reserve_bytes)
        except (OSError, EOFError, zlib.error) as error:
            raise RecordingError(
                f"{title} is cut or damaged, so gzip cannot unpack it to its end ({error}); "
                "`zcat FILE | nova produce -` publishes what is before that"
            ) from error
        yield plain


def _spool(path: Path, is_stdin: bool, spooled: Path, reserve_bytes: int) -> None:
    with spooled.open("xb") as copy:
        if is_stdin:
            _copy(sys.stdin.buffer, copy, spooled, reserve_bytes)
            return
        with path.open("rb") as stream:
            _copy(stream, copy, spooled, reserve_bytes)


def _copy(
    stream: BinaryIO | gzip.GzipFile, copy: BinaryIO, spooled: Path, reserve_bytes: int
) -> None:
    size_bytes = 0
    while chunk := stream.read(CHUNK_BYTES):
        require_room(spooled.parent, reserve_bytes, len(chunk), size_bytes)
        copy.write(chunk)
        size_bytes += len(chunk)


def require_room(folder: Path, reserve_bytes: int, more_bytes: int, size_bytes: int) -> None:
    """Raise RecordingError if more bytes behind those already spooled do not fit on the disk."""
    if shutil.disk_usage(folder).free < reserve_bytes + more_bytes:
        raise RecordingError(
            f"the stream is too long to be spooled: after {size_bytes:,} bytes the disk of "
            f"{folder} has less than {reserve_bytes:,} bytes free; save it to a file, "
            "or set TMPDIR to a folder with more space"
        )
