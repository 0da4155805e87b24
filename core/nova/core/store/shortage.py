"""Errors of the operating system that RocksDB passes on and that say nothing about the archive's
files: no space on the disk, no more open files.
"""

from __future__ import annotations

import errno
import os

from nova.core.errors import ArchiveError

_FULL = "free space there or move the data folder to a larger disk, and start NOVA again"
_OPEN = "raise the limit (`ulimit -n`, LimitNOFILE= of the service) and start NOVA again"
ADVICE = {
    errno.ENOSPC: f"its disk is full: {_FULL}",
    errno.EDQUOT: f"the quota of its disk is used up: {_FULL}",
    errno.EMFILE: f"this process has too many open files: {_OPEN}",
    errno.ENFILE: f"this machine has too many open files: {_OPEN}",
}


def shortage(what: str, reason: str) -> ArchiveError | None:
    """The error to raise instead of one of damage; None if the reason is no shortage."""
    for code, advice in ADVICE.items():
        if os.strerror(code).lower() in reason.lower():
            return ArchiveError(f"{what} cannot be used, and is not damaged; {advice} ({reason})")
    return None
