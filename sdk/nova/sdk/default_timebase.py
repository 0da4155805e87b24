"""The default timebase of an instance, stored in its data folder for processes that read the
archive without the instance.
"""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import get_args

import msgspec

from nova.sdk import durable
from nova.sdk.archive_id import TRUTH_FOLDER
from nova.sdk.errors import NovaError
from nova.sdk.settings import Timebase

TIMEBASE_FILE = "timebase"
FALLBACK_TIMEBASE: Timebase = "canonical"
"""The default of a folder where no instance has stored one."""

SHOWN_MAX_CHARS = 40

log = logging.getLogger(__name__)


def read(data: Path) -> Timebase:
    """The default of a data folder; logs which one is used if an archive has none stored. Raises
    NovaError if the file does not hold a timebase.
    """
    path = data / TIMEBASE_FILE
    try:
        text = durable.read(path).decode("ascii", "replace").strip()
    except (FileNotFoundError, NotADirectoryError):
        if (data / TRUTH_FOLDER).is_dir():
            log.warning("%s is missing: the timebase is %s", path, FALLBACK_TIMEBASE)
        return FALLBACK_TIMEBASE
    with contextlib.suppress(msgspec.ValidationError):
        known: Timebase = msgspec.convert(text, Timebase)
        return known
    allowed = " or ".join(f"`{known}`" for known in get_args(Timebase))
    raise NovaError(
        f"{path} holds {text[:SHOWN_MAX_CHARS]!r}, but the one word there is {allowed}: write the "
        "one that the instance has, start NOVA on this folder, or give a timebase (--timebase)"
    )


def write(data: Path, timebase: Timebase) -> None:
    """Store the default atomically and durably."""
    durable.replace(data / TIMEBASE_FILE, f"{timebase}\n".encode(), durable.STORED_MODE)
