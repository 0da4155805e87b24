"""A disk and a clock that fail on demand: the Python side of disk.c."""

from __future__ import annotations

import errno
import mmap
import os
import struct
import subprocess
import zlib
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("disk.c")
BUILD = Path(__file__).parents[2] / "build"
CONTROL_BYTES = 4096
_CONTROL = struct.Struct("<qIIIiqqqq64s")

OPEN, WRITE, SYNC, NAME, TRUNCATE = 1, 2, 4, 8, 16
CALLS = {"open": OPEN, "write": WRITE, "sync": SYNC, "name": NAME, "truncate": TRUNCATE}
ANY_CALL = OPEN | WRITE | SYNC | NAME | TRUNCATE
KILL_BEFORE, KILL_AFTER, SHORT, SHORT_KILL, LIE = -1, -2, -3, -4, -5
FAULTS = {
    "kill before": KILL_BEFORE,
    "kill after": KILL_AFTER,
    "short write": SHORT,
    "kill within": SHORT_KILL,
    "a lie": LIE,
    **{name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EMFILE", "EROFS")},
}
FOREVER = 2**62


class DiskFault(NamedTuple):
    """Calls of these kinds on paths with `part` in them are struck: `times` of them, after
    `after` others.
    """

    calls: int
    fault: int
    after: int = 0
    times: int = 1
    part: str = ""

    def __str__(self) -> str:
        calls = "+".join(name for name, call in CALLS.items() if self.calls & call)
        fault = next(name for name, number in FAULTS.items() if number == self.fault)
        times = "from then on" if self.times == FOREVER else f"{self.times} times"
        return f"{fault} at {calls} {self.part or 'anywhere'} after {self.after}, {times}"


NO_FAULT = DiskFault(0, 0)


def library() -> Path:
    """The compiled disk.c; compiled once for each of its versions."""
    path = BUILD / f"faulty-disk-{zlib.crc32(SOURCE.read_bytes()):08x}.so"
    if not path.exists():
        BUILD.mkdir(exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(draft), str(SOURCE), "-ldl"]
        subprocess.run([*command, "-lpthread"], check=True)
        draft.replace(path)
    return path


class FaultyDisk:
    """The control file and the journal of one disk; the processes that use it are started with its
    `environment`.
    """

    def __init__(self, folder: Path, *, with_journal: bool = False) -> None:
        self.control = folder / "control"
        self.control.write_bytes(bytes(CONTROL_BYTES))
        self.journal = folder / "journal"
        self._is_journalled = with_journal
        self.clock_offset_ns = 0
        self.delay_us, self.delayed = 0, 0
        self.forget()

    def forget(self) -> None:
        """Empty the journal: what is on the disk now is durable."""
        self.journal.write_bytes(b"")

    @property
    def journal_name(self) -> str:
        return str(self.journal) if self._is_journalled else ""

    def environment(self, root: Path) -> dict[str, str]:
        """Variables of a process whose files below `root` are on this disk."""
        return {
            "LD_PRELOAD": str(library()),
            "FAULTY_DISK": str(root),
            "FAULTY_DISK_CONTROL": str(self.control),
            "FAULTY_DISK_JOURNAL": self.journal_name,
        }

    def strike(self, fault: DiskFault) -> None:
        """Let this fault happen from now on, and no other."""
        counted = (fault.after, fault.times, 0, 0)
        slow = (self.delay_us, self.delayed)
        content = _CONTROL.pack(
            self.clock_offset_ns, *slow, fault.calls, fault.fault, *counted, fault.part.encode()
        )
        with self.control.open("r+b") as file, mmap.mmap(file.fileno(), CONTROL_BYTES) as mapped:
            mapped[: len(content)] = content

    def heal(self) -> None:
        """No fault from now on; clock and speed stay as they are set."""
        self.strike(NO_FAULT)

    def hits(self) -> int:
        """How many calls were struck."""
        return int(_CONTROL.unpack_from(self.control.read_bytes())[8])
