"""The timebase of requests that name none, as the instance of a data folder was told last: beside
its archive, for those who read that without an instance.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from sdk.settings import Timebase

TIMEBASE_FILE = "timebase"
UNKNOWN: Timebase = "canonical"
"""Where no instance has said any."""


def read(data: Path) -> Timebase:
    """The default of a data folder."""
    try:
        said = (data / TIMEBASE_FILE).read_text("ascii", "replace").strip()
    except OSError:
        return UNKNOWN
    return next((known for known in get_args(Timebase) if known == said), UNKNOWN)


def write(data: Path, timebase: Timebase) -> None:
    """Keep the default of an instance, as a whole or not at all."""
    path = data / TIMEBASE_FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(timebase + "\n")
    fresh.replace(path)
