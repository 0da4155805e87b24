"""Running a command where a folder lies on a read-only file system."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
COMMAND_TIMEOUT_S = 170


def can_mount() -> bool:
    """Whether this user may have mounts of its own; where not, folders can lose their mode bits."""
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", MOUNT, "/tmp", "true"], capture_output=True, check=False
    )
    return done.returncode == 0


def run_beside_read_only(
    folder: Path, arguments: Sequence[str], variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a mount namespace of its own, in which a folder cannot be written."""
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", MOUNT, str(folder), *arguments],
        capture_output=True,
        env={**os.environ, **(variables or {})},
        timeout=COMMAND_TIMEOUT_S,
        check=False,
    )
