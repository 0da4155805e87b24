"""How fast an instance's data grow, from their sizes in the last days, and in how many days they
fill the disk at this rate.

The history of sizes is a small file, so that a restart does not forget it. Compactions and
retention make sizes fall now and then; the trend over the whole history is a straight line through
them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from nova.sdk import archive_id, durable, private
from nova.sdk.protocol.metric_messages import Metric, gauge

GROWTH_FILE = "growth.json"
GROWING_FOLDERS = ("truth", "samples", "checkpoints", "alarms", "seals")
MEASURE_INTERVAL_S = 600.0
HISTORY_S = 7 * 86_400.0
KNOWN_AFTER_S = 3_600.0
"""Sizes of a shorter time say nothing: RocksDB writes and removes files in bursts."""

DAY_S = 86_400
BLOCK_BYTES = 512
"""The unit of `st_blocks`, on every system."""

log = logging.getLogger(__name__)


class SizeHistory(msgspec.Struct):
    """Sizes in bytes by time in seconds since 1970, oldest first, of the archive with this id."""

    archive: str = ""
    sizes: list[tuple[float, int]] = []


class DiskGrowth:
    """Measures a data folder and its daily files, if these are on the same disk."""

    def __init__(
        self,
        data: Path,
        files: Path,
        interval_s: float = MEASURE_INTERVAL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._data = data
        self._files = files
        self._interval_s = interval_s
        self._clock = clock
        private.remove_others_access(data / GROWTH_FILE)
        self._history = self._read()

    async def run(self) -> None:
        """Measure periodically until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.measure)
            except OSError as error:
                log.warning("cannot measure the disk", extra={"context": {"error": str(error)}})
            await asyncio.sleep(self._interval_s)

    def measure(self) -> None:
        """Add the present size to the history."""
        found = archive_id.read(self._data)
        if found is None:
            return  # The folder of an unmounted disk: nothing may be made there.
        now_s, archive = self._clock(), str(found)
        sizes = self._history.sizes if self._history.archive == archive else []
        kept = [one for one in sizes if now_s - HISTORY_S <= one[0] < now_s]
        if kept and now_s - kept[-1][0] < self._interval_s / 2:
            return  # A process that is restarted again and again must not fill the history.
        self._history = SizeHistory(archive, [*kept, (now_s, self._size_bytes())])
        durable.replace(self._data / GROWTH_FILE, msgspec.json.encode(self._history))

    def bytes_per_day(self) -> float | None:
        """The growth, None while it is not known."""
        sizes = self._history.sizes
        if not sizes or sizes[-1][0] - sizes[0][0] < KNOWN_AFTER_S:
            return None
        since_s = sizes[0][0]
        days = [(at_s - since_s) / DAY_S for at_s, _ in sizes]
        return statistics.linear_regression(days, [size for _, size in sizes]).slope

    def metrics(self) -> Iterator[Metric]:
        """The growth and what follows from it, as far as they are known."""
        growth = gauge("nova_disk_growth_bytes_per_day", "Growth of what the instance keeps")
        days = gauge("nova_disk_days_until_full", "Days until the disk is full at this growth")
        per_day = self.bytes_per_day()
        if per_day is not None:
            growth.add(per_day)
            disk = os.statvfs(self._data)
            if per_day > 0:
                days.add(disk.f_bavail * disk.f_frsize / per_day)
        yield from (growth, days)

    def _size_bytes(self) -> int:
        folders = [self._data / name for name in GROWING_FOLDERS]
        with contextlib.suppress(FileNotFoundError):
            if self._files.stat().st_dev == self._data.stat().st_dev:
                folders.append(self._files)
        return sum(map(folder_bytes, folders))

    def _read(self) -> SizeHistory:
        try:
            return msgspec.json.decode(durable.read(self._data / GROWTH_FILE), type=SizeHistory)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return SizeHistory()


def folder_bytes(folder: Path) -> int:
    """What a folder with everything in it takes of the disk; 0 if it does not exist."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # removed in this moment
                    if entry.is_dir(follow_symlinks=False):
                        total += folder_bytes(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
    except FileNotFoundError:
        return total
    return total
