"""Day watermarks: the key of the last event written of each day. After an archive was restored to
an earlier state, they show which of the daily files it still covers.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import msgspec

from nova.core.ordering import EVENT_KEY_BYTES, time_of
from nova.core.store.archive import Archive
from nova.core.store.recorded_event import has_recorded
from nova.core.utc_day import day_of, is_day
from nova.sdk.private import FOLDER_MODE

DayWatermark = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * EVENT_KEY_BYTES}}}$")]
"""An event key in hex."""

WATERMARKS_MAX_DAYS = 400
"""Day watermarks kept. An archive restored to a state further back has all files rewritten."""

QUARANTINE_PREFIX = "replaced-"


def day_of_watermark(watermark: str) -> str:
    return day_of(time_of(bytes.fromhex(watermark)))


def record_watermark(watermarks: list[str], event_key: bytes) -> None:
    """Record the key of the last written event; the list keeps one entry per day."""
    end = event_key.hex()
    if watermarks and day_of_watermark(watermarks[-1]) == day_of_watermark(end):
        watermarks[-1] = end
    else:
        watermarks.append(end)
        del watermarks[:-WATERMARKS_MAX_DAYS]


def watermarks_held(watermarks: list[str], archive: Archive) -> list[str]:
    """The day watermarks up to the newest one whose event the archive contains."""
    held = len(watermarks)
    while held and not has_recorded(archive, bytes.fromhex(watermarks[held - 1])):
        held -= 1
    return watermarks[:held]


def has_days(root: Path) -> bool:
    """Whether a folder contains daily files."""
    return root.is_dir() and any(is_day(path.name) for path in root.iterdir())


def quarantine_days(root: Path, first_day: str) -> Path | None:
    """Quarantine the folders from `first_day` on (all if it is empty) in a new `replaced-N` folder,
    as they may be the only copy of some events. Returns that folder, None if there are none.
    """
    days = [path for path in root.iterdir() if is_day(path.name) and path.name >= first_day]
    if not days:
        return None
    names = (root / f"{QUARANTINE_PREFIX}{number}" for number in count(1))
    quarantine = next(path for path in names if not path.exists())
    quarantine.mkdir(mode=FOLDER_MODE)
    for path in sorted(days):
        path.rename(quarantine / path.name)
    return quarantine
