"""The last event of each day that was written: by these daily files tell how much of what they hold
their archive still has, after it was put back to an earlier state.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Annotated

import msgspec

from core.files.day import day_of, is_day
from core.ordering import PLACE_BYTES, time_of
from core.store.archive import Archive
from sdk.private import FOLDER_MODE

End = Annotated[str, msgspec.Meta(pattern=f"^[0-9a-f]{{{2 * PLACE_BYTES}}}$")]
"""A place in hex."""

ENDS_MAX_DAYS = 400
"""How many days back an archive may be put without all of its files being written anew."""

ASIDE_PREFIX = "replaced-"


def day_of_end(end: str) -> str:
    """The day of a place in hex."""
    return day_of(time_of(bytes.fromhex(end)))


def note_end(ends: list[str], place: bytes) -> None:
    """Keep the last event that was written, by its place, in hex as the others: one of each day."""
    end = place.hex()
    if ends and day_of_end(ends[-1]) == day_of_end(end):
        ends[-1] = end
    else:
        ends.append(end)
        del ends[:-ENDS_MAX_DAYS]


def ends_held(ends: list[str], archive: Archive) -> list[str]:
    """The ends up to the newest that is in an archive."""
    held = len(ends)
    while held and not archive.holds(bytes.fromhex(ends[held - 1])):
        held -= 1
    return ends[:held]


def has_days(root: Path) -> bool:
    """Whether a folder of daily files holds any."""
    return root.is_dir() and any(is_day(path.name) for path in root.iterdir())


def put_aside(root: Path, first_day: str) -> Path | None:
    """Move the folders of a day and those after it, of all days if it is empty, into one of their
    own: they may be all that is left of events. None where there are none.
    """
    days = [path for path in root.iterdir() if is_day(path.name) and path.name >= first_day]
    if not days:
        return None
    names = (root / f"{ASIDE_PREFIX}{number}" for number in count(1))
    aside = next(path for path in names if not path.exists())
    aside.mkdir(mode=FOLDER_MODE)
    for path in sorted(days):
        path.rename(aside / path.name)
    return aside
