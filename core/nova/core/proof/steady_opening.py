"""Opens an archive for a check: all its processes must see the same days that retention has given
back, none of them in part. While a deletion is under way they are opened again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from nova.core.proof.verification import PieceChecker
from nova.core.store.archive import Archive
from nova.core.store.given_back import DayGivenBack, Deletions
from nova.core.store.secondary import open_secondary_archive

MEMORY_BYTES = 64 * 1024 * 1024
PAUSE_S = 0.5
CUT_LOOKS = 20
"""A deletion that has not moved for this number of looks was cut: no writer continues it."""

SHARED_TRIES = 8
"""After this number of tries the archive is checked in this process alone, which sees one state."""

ReportWait = Callable[[DayGivenBack | None], None]
"""Called before each pause with the day that is being deleted; None if one has just been."""

OpenChecker = Callable[[Archive, bool], AbstractContextManager[PieceChecker]]
"""Opens what checks the pieces of an archive: other processes, or only this one (`alone`)."""


class SteadyArchive(NamedTuple):
    """An open archive, and what checks its pieces."""

    archive: Archive
    checker: PieceChecker


@contextmanager
def steady_archive(
    data: Path,
    scratch: Path,
    open_checker: OpenChecker,
    pause: Callable[[], None] = lambda: time.sleep(PAUSE_S),
    cut_looks: int = CUT_LOOKS,
    report_wait: ReportWait = lambda _: None,
) -> Iterator[SteadyArchive]:
    """An archive in which nothing is being deleted, or whose deletion was cut."""
    tries = still = 0
    seen: Deletions | None = None
    while True:
        with ExitStack() as stack:
            archive = stack.enter_context(open_secondary_archive(data, scratch, MEMORY_BYTES))
            deletions = archive.given_back.deletions()
            still = still + 1 if deletions == seen else 0
            seen = deletions
            if archive.given_back.unfinished is None or still >= cut_looks:
                alone = tries >= SHARED_TRIES
                checker = stack.enter_context(open_checker(archive, alone))
                tries += 1
                if {*checker.deletions} == {deletions}:
                    yield SteadyArchive(archive, checker)
                    return
            report_wait(archive.given_back.unfinished)
        pause()
