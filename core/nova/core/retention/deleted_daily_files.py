"""The daily files of a day of a scope and lane: which there are, and how they are deleted.

Files whose names begin with a lane have events of that lane alone. Others (`mcap`, shared files,
drivers with names of their own) may have events of several lanes, and go with the last of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nova.core.store.archive import Archive
from nova.core.store.given_back import DayGivenBack
from nova.core.store.seal_reader import sealed_day
from nova.sdk import durable
from nova.sdk.address import LANES
from nova.sdk.endpoints import SHARED_FILE
from nova.sdk.errors import NovaError
from nova.sdk.events.day_seal import OWN_SYSTEM
from nova.sdk.retention_rule import RETAINED_LANES

ScopeLane = tuple[str, str]
"""A scopeId and a lane."""

SHARED_PREFIX = f"{SHARED_FILE}."
RESERVED_FOLDER = "%"
"""Ends the name of a folder whose id is a reserved name of Windows."""


class DailyFilesSize(NamedTuple):
    """How many daily files, and their bytes."""

    files: int = 0
    bytes: int = 0


class LaneDay(NamedTuple):
    """A day of a scope and lane, and the scopes and lanes of which the day's files are kept."""

    day: str
    scope_id: str
    lane: str
    kept: frozenset[ScopeLane]

    def paths(self, root: Path) -> Iterator[Path]:
        """The files that go with this scope and lane."""
        top = root / self.day
        if top.is_symlink():
            return
        for folder, _, names in os.walk(top, onerror=_fail):
            for name in names:
                path = Path(folder, name)
                if self._has(path.relative_to(top).parts):
                    yield path

    def _has(self, parts: tuple[str, ...]) -> bool:
        if len(parts) == 1:  # Shared by streams of all systems and scopes.
            return not self.kept
        folders = [part.removesuffix(RESERVED_FOLDER) for part in parts[:-1]]
        if folders[0] != self.scope_id or folders[1:2] == [OWN_SYSTEM]:
            return False
        lane = parts[-1].removeprefix(SHARED_PREFIX).partition(".")[0]
        if lane in LANES:
            return lane == self.lane
        return all(scope_id != self.scope_id for scope_id, _ in self.kept)

    def size(self, root: Path) -> DailyFilesSize:
        """What would be deleted; raises NovaError if that cannot be read."""
        try:
            sizes = [path.lstat().st_size for path in self.paths(root)]
        except OSError as error:
            raise _error(self, root, error) from None
        return DailyFilesSize(len(sizes), sum(sizes))

    def delete(self, root: Path) -> None:
        """Delete the files, and folders that are empty then; durable when this returns. Raises
        NovaError if one cannot be deleted.
        """
        try:
            for path in list(self.paths(root)):
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, root)
            if root.is_dir():
                durable.sync_file_system(root)
        except OSError as error:
            raise _error(self, root, error) from None


def lane_day(
    archive: Archive, day: str, scope_id: str, lane: str, before: Iterable[ScopeLane] = ()
) -> LaneDay:
    """A day that is given back after the finished ones of the archive; `before` are other scopes
    and lanes of it whose files go earlier.
    """
    gone = {*before, (scope_id, lane)}
    gone.update(
        (one.scope_id, one.lane)
        for one in archive.given_back.entries
        if one.day == day and one.removes_files and one.is_finished
    )
    return LaneDay(day, scope_id, lane, frozenset(_sealed(archive, day) - gone))


def day_of_record(archive: Archive, record: DayGivenBack) -> LaneDay:
    """The files of a day that is being given back."""
    return lane_day(archive, record.day, record.scope_id, record.lane)


def lanes_without_files(entries: Iterable[DayGivenBack], day: str) -> frozenset[ScopeLane]:
    """The scopes and lanes whose files of a day are deleted, and are not written again."""
    return frozenset(
        (one.scope_id, one.lane) for one in entries if one.day == day and one.removes_files
    )


def _sealed(archive: Archive, day: str) -> set[ScopeLane]:
    """The scopes and lanes that retention may delete of a sealed day."""
    key = archive.record.seal(day)
    seal = None if key is None else sealed_day(archive, key)
    groups = () if seal is None else seal.groups or ()
    return {
        (one.scope_id, one.lane)
        for one in groups
        if one.events and not one.is_own and one.lane in RETAINED_LANES
    }


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and those above it, as long as they are empty."""
    while folder != root:
        with suppress(FileNotFoundError):
            if any(folder.iterdir()):
                return
            folder.rmdir()
        folder = folder.parent


def _fail(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _error(one: LaneDay, root: Path, error: OSError) -> NovaError:
    return NovaError(
        f"the daily files of {one.day} of {one.scope_id}/{one.lane} in {root} cannot be deleted: "
        f"{error}. Give the user of NOVA the right to do so; it is tried again"
    )
