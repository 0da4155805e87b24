"""The default timebase of an instance, stored in its data folder for processes that read the
archive without the instance.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from nova.sdk.settings import Timebase

TIMEBASE_FILE = "timebase"
FALLBACK_TIMEBASE: Timebase = "canonical"
"""The default of a folder where no instance has stored one."""


def read(data: Path) -> Timebase:
    try:
        said = (data / TIMEBASE_FILE).read_text("ascii", "replace").strip()
    except OSError:
        return FALLBACK_TIMEBASE
    return next((known for known in get_args(Timebase) if known == said), FALLBACK_TIMEBASE)


def write(data: Path, timebase: Timebase) -> None:
    """Store the default atomically."""
    path = data / TIMEBASE_FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(timebase + "\n")
    fresh.replace(path)
