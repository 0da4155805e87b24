"""CAN logs in the format of `candump -l`: one frame per line, with stamp and interface."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

EXTENDED_FLAG = 0x8000_0000
REMOTE_FLAG = 0x4000_0000
ERROR_FLAG = 0x2000_0000
"""In an id of eight digits: not a frame of the bus, but an error report of the interface."""
ID_MAX = 0x1FFF_FFFF
STANDARD_ID_MAX = 0x7FF
FD_FLAG = 0x04
EXTENDED_DIGITS = 8
DATA_MAX_BYTES = 8
FD_DATA_MAX_BYTES = 64
HEAD_LINES_MAX = 20

_LINE = re.compile(
    r"\((\d{1,12}(?:\.\d{1,9})?)\) ([A-Za-z0-9_-]{1,64}) ([0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"(?:R([0-8]?)|(#[0-9A-Fa-f])?((?:[0-9A-Fa-f]{2})*))(?:_([9A-Fa-f]))?(?: [RT])?",
    re.ASCII,
)
_SOCKETCAN = struct.Struct(">IBBxB")
_OTHER_LOGS = (
    (
        re.compile(
            rb"^\s*(?:\([^)\r\n]*\)\s+)?[\w-]+(?:\s+[RT]X[ \w-]*)?\s+[0-9A-F]{3,8}\s+\[\d+\]"
        ),
        "candump's output for people, which leaves out flags and often the date: "
        "record with `candump -l`",
    ),
)


class CanFrame(NamedTuple):
    """One frame of a log; `fd_flags` is None for a classic frame.

    A remote frame has no data; `length` is the length that it requests. `dlc` is a length code
    above 8 with which a classic frame of 8 bytes was sent.
    """

    stamp: str
    interface: str
    id: str
    data: bytes
    remote: bool = False
    fd_flags: int | None = None
    length: int = 0
    dlc: int = 0

    @property
    def error(self) -> bool:
        """Whether it is an error report of an interface."""
        return bool(int(self.id, 16) & ERROR_FLAG)

    @property
    def extended(self) -> bool:
        """Whether its id has 29 bits instead of 11."""
        return len(self.id) == EXTENDED_DIGITS and not self.error

    def packed(self) -> bytes:
        """SocketCAN's header (link type 227) and the data, as in captures."""
        flags = EXTENDED_FLAG * self.extended | REMOTE_FLAG * self.remote
        fd_flags = 0 if self.fd_flags is None else FD_FLAG | self.fd_flags
        length = self.length if self.remote else len(self.data)
        return _SOCKETCAN.pack(int(self.id, 16) | flags, length, fd_flags, self.dlc) + self.data


def parse_frame(line: bytes) -> CanFrame | None:
    """The frame of a line; None if it holds none."""
    match = _LINE.fullmatch(line.strip().decode("ascii", "replace"))
    if match is None:
        return None
    stamp, interface, can_id, remote, fd_flags, digits, dlc = match.groups()
    data = bytes.fromhex(digits or "")
    length = len(data) if remote is None else int(remote or "0")
    if not _is_valid(can_id, length, is_fd=fd_flags is not None, has_dlc=dlc is not None):
        return None
    flags = None if fd_flags is None else int(fd_flags[1:], 16)
    code = 0 if dlc is None else int(dlc, 16)
    is_remote = remote is not None
    requested = length if is_remote else 0
    return CanFrame(stamp, interface, can_id.upper(), data, is_remote, flags, requested, code)


def _is_valid(can_id: str, length: int, *, is_fd: bool, has_dlc: bool) -> bool:
    """Whether a frame can have this id and length."""
    largest = ID_MAX | ERROR_FLAG if len(can_id) == EXTENDED_DIGITS else STANDARD_ID_MAX
    if int(can_id, 16) > largest or (has_dlc and (is_fd or length != DATA_MAX_BYTES)):
        return False
    return length <= (FD_DATA_MAX_BYTES if is_fd else DATA_MAX_BYTES)


def other_log_format(head: bytes) -> str | None:
    """A known other format of the file and how to convert it; None if it is not recognized."""
    for line in head.splitlines()[:HEAD_LINES_MAX]:
        for pattern, advice in _OTHER_LOGS:
            if pattern.match(line):
                return advice
    return None
