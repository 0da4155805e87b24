"""Repeated looks at files that a writer may be replacing meanwhile.

A fault that was found while the MANIFEST changed proves nothing: the look began with one state of
the files and ended with another. Only looks at an unchanged MANIFEST count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from nova.core.errors import ArchiveBusyError, ArchiveError
from nova.core.store.live_files import manifest_stamp

ATTEMPTS = 5
"""Looks at an unchanged MANIFEST: RocksDB removes a log a moment after its edit."""

PAUSE_S = 0.05
MOVING_MAX_S = 10.0


def until_settled(
    folder: Path,
    look: Callable[[], None],
    attempts: int = ATTEMPTS,
    moving_max_s: float = MOVING_MAX_S,
) -> None:
    """Call `look` until it raises nothing. Raises its error after `attempts` failures at an
    unchanged MANIFEST, and ArchiveBusyError if the MANIFEST changes for `moving_max_s`.
    """
    end = time.monotonic() + moving_max_s
    believed = 0
    while True:
        before = manifest_stamp(folder)
        try:
            look()
        except (ArchiveError, FileNotFoundError) as error:
            believed += before == manifest_stamp(folder)
            if believed >= attempts:
                raise
            if time.monotonic() > end:
                # What the looks found is not said: it comes of the changes, and names a damage.
                raise ArchiveBusyError(
                    f"{folder} cannot be followed: its files changed in every look for "
                    f"{moving_max_s:.0f} s. Try again when the machine is less busy"
                ) from error
        else:
            return
        time.sleep(PAUSE_S)
