"""The processes that read an archive for replays and exports, whoever has started them."""

from __future__ import annotations

import os
from pathlib import Path


def range_workers_of(data: Path) -> list[int]:
    """The ids of those that run."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").split()
        except OSError:  # No process, or one that has ended meanwhile.
            continue
        if b"range-worker" in words and os.fsencode(data) in words:
            found.append(int(folder.name))
    return found
