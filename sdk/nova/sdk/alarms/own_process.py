"""When alarms have a process of their own: once there is one to judge.

Until then the sampler follows the archive for them too, which costs next to nothing. It hands them
over by a file, which the supervisor looks for.
"""

from __future__ import annotations

from pathlib import Path

from nova.sdk import stored_files

NEEDED_FILE = "alarms.needed"


def needed_file(data: Path) -> Path:
    return data / NEEDED_FILE


def is_needed(data: Path) -> bool:
    """Whether an archive has alarms to judge."""
    return needed_file(data).exists()


def request(data: Path) -> None:
    """Have the process started, now and whenever the instance starts; raises OSError."""
    path = needed_file(data)
    path.touch()
    stored_files.protect(path)
