"""CAN logs as `candump -l` writes them: one frame a line, with its stamp and its interface."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

EXTENDED_FLAG = 0x8000_0000
REMOTE_FLAG = 0x4000_0000
FD_FLAG = 0x04
EXTENDED_DIGITS = 8
DATA_MAX_BYTES = 8
FD_DATA_MAX_BYTES = 64

_LINE = re.compile(
    r"\((\d{1,12}(?:\.\d{1,9})?)\) ([A-Za-z0-9_-]{1,64}) ([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:(R[0-8]?)|(#[0-9A-Fa-f])?((?:[0-9A-Fa-f]{2})*))(?: [RT])?",
    re.ASCII,
)
_SOCKETCAN = struct.Struct(">IBBxx")


class CanFrame(NamedTuple):
    """One frame, as it stood in a log; `fd_flags` is None for a classic one."""

    stamp: str
    interface: str
    id: str
    data: bytes
    remote: bool = False
    fd_flags: int | None = None

    @property
    def extended(self) -> bool:
        """Whether its id has 29 bits instead of 11."""
        return len(self.id) == EXTENDED_DIGITS

    def packed(self) -> bytes:
        """As captures hold it: SocketCAN's header (link type 227), then the data."""
        flags = EXTENDED_FLAG * self.extended | REMOTE_FLAG * self.remote
        fd_flags = 0 if self.fd_flags is None else FD_FLAG | self.fd_flags
        return _SOCKETCAN.pack(int(self.id, 16) | flags, len(self.data), fd_flags) + self.data


def frame(line: bytes) -> CanFrame | None:
    """The frame of a line; None where it holds none."""
    match = _LINE.fullmatch(line.strip().decode("ascii", "replace"))
    if match is None:
        return None
    stamp, interface, can_id, remote, fd_flags, digits = match.groups()
    data = bytes.fromhex(digits or "")
    if len(data) > (DATA_MAX_BYTES if fd_flags is None else FD_DATA_MAX_BYTES):
        return None
    flags = None if fd_flags is None else int(fd_flags[1:], 16)
    return CanFrame(stamp, interface, can_id.upper(), data, remote is not None, flags)
