"""The peak memory of a process (Linux)."""

from __future__ import annotations

import os
import re
from pathlib import Path

KIB, MIB = 1024, 1024 * 1024


def peak_mib(pid: int | None = None) -> float:
    """The highest resident size of a process since it began, of this one without an id."""
    status = Path(f"/proc/{pid or os.getpid()}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * KIB / MIB
