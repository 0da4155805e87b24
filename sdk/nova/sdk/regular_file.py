"""Files that people name: only regular ones are read, and never more than a limit.

Opening a FIFO waits for its writer and /dev/zero has no end, so a name alone could stop a process.
The faults are of OSError, whose `strerror` says the kind and the rule.
"""

from __future__ import annotations

import errno
import os
import stat
from io import FileIO
from pathlib import Path

_BLOCK_BYTES = 1024 * 1024

NAMED_FILE_MAX_BYTES = 16 * 1024 * 1024
"""For files that have no limit of their own."""

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path) -> FileIO:
    """Open a file, or what a link leads to, without waiting; raises OSError."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise _fault(path, path.stat().st_mode) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _fault(path, mode)
    return FileIO(descriptor)


def read_regular(path: Path, max_bytes: int = NAMED_FILE_MAX_BYTES) -> bytes:
    """The content of a file; raises OSError."""
    with open_regular(path) as file:
        content = bytearray()
        while len(content) <= max_bytes:
            if not (block := file.read(min(_BLOCK_BYTES, max_bytes + 1 - len(content)))):
                return bytes(content)
            content += block
    raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes: shorten or divide it", path)


def require_regular(path: Path) -> None:
    """For a file that a library reads by its name; raises OSError."""
    open_regular(path).close()


def _fault(path: Path, mode: int) -> OSError:
    kind = _KINDS.get(stat.S_IFMT(mode), "no regular file")
    number = errno.EISDIR if stat.S_ISDIR(mode) else errno.EINVAL
    return OSError(number, f"it is {kind}: name a regular file", path)
