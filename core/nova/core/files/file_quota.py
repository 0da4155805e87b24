"""File quota: which file a stream is written to, so that a day or an export has a bounded number of
files, however many streams there are.

Streams get files of their own in the order of their first events, until three quarters of the quota
are used. Later ones share a file of JSON lines per driver and system, and when the quota is used
up, one per driver. So the placement depends on the events and their order alone: a day's files and
an export of that day are equal.
"""

from __future__ import annotations

from collections.abc import Iterable

from nova.core.files.file_layout import file_paths, shared_path
from nova.sdk.drivers.driver import Driver
from nova.sdk.drivers.driver_stream import DriverStream
from nova.sdk.files_settings import FILES_MAX

FilePlace = tuple[Driver, tuple[str, ...]]
"""The driver that writes a stream, and the paths of its files."""


class FileQuota:
    """The files of one folder. A driver with one file per scope always gets it."""

    def __init__(self, lines: Driver, files_max: int = FILES_MAX) -> None:
        """`lines` is the driver of shared files, which keeps every member of an envelope."""
        self._lines = lines
        self._own_max = files_max - files_max // 4
        self._files_max = files_max
        self._paths: set[str] = set()

    def restore(self, paths: Iterable[str]) -> None:
        """Count the files of a folder that is continued."""
        self._paths.update(paths)

    def place(self, driver: Driver, stream: DriverStream) -> FilePlace:
        """Where a driver's stream is written to; raises DriverError for an unsafe name."""
        paths = file_paths(driver, stream)
        if driver.per_scope or self._admits(paths, self._own_max):
            return driver, paths
        shared = (shared_path(driver, stream),)
        if self._admits(shared, self._files_max):
            return self._lines, shared
        return self._lines, (shared_path(driver, stream, by_system=False),)

    def _admits(self, paths: tuple[str, ...], files_max: int) -> bool:
        if paths[0] in self._paths:
            return True
        if len(self._paths) + len(paths) > files_max:
            return False
        self._paths.update(paths)
        return True
