"""The growth of a data folder, from its measured sizes, and when the disk is full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nova.core.metrics.disk_growth import (
    DAY_S,
    GROWTH_FILE,
    HISTORY_S,
    KNOWN_AFTER_S,
    DiskGrowth,
)
from nova.sdk.archive_id import ID_FILE
from nova.sdk.protocol.metric_messages import Metric

MIB = 1024 * 1024
STEP_S = 600.0


class Folder:
    """A data folder that grows, and the clock of those who measure it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.now_s = 1_000_000.0
        (data / "truth").mkdir(parents=True)
        (data / ID_FILE).write_text("0123456789abcdef0123456789abcdef\n")
        (data / "files" / "2026-01-01").mkdir(parents=True)

    def growth(self) -> DiskGrowth:
        return DiskGrowth(self.data, self.data / "files", STEP_S, lambda: self.now_s)

    def grow(self, growth: DiskGrowth, hours: float, bytes_per_hour: int) -> None:
        """Measure while truth and daily files grow, each by half of it."""
        for step in range(int(hours * 3_600 / STEP_S)):
            self.now_s += STEP_S
            size = int(bytes_per_hour * STEP_S / 3_600 / 2)
            for name in (f"truth/{self.now_s}.sst", f"files/2026-01-01/{self.now_s}.jsonl"):
                (self.data / name).write_bytes(os.urandom(size))
            if step % 6 == 3:  # A compaction: the file of another one is gone.
                (self.data / f"truth/{self.now_s}.sst").rename(self.data / "truth/merged.sst")
            growth.measure()


def values(growth: DiskGrowth) -> dict[str, list[float]]:
    found: list[Metric] = list(growth.metrics())
    return {metric.name: [sample.value for sample in metric.samples] for metric in found}


def test_nothing_is_said_until_the_growth_is_known(tmp_path: Path) -> None:
    """A guess from minutes would be off by orders of magnitude."""
    folder = Folder(tmp_path / "data")
    growth = folder.growth()
    growth.measure()
    folder.grow(growth, KNOWN_AFTER_S / 3_600 - STEP_S / 3_600, MIB)
    assert values(growth) == {
        "nova_disk_growth_bytes_per_day": [],
        "nova_disk_days_until_full": [],
    }


def test_the_trend_counts_truth_and_daily_files_and_outlives_a_restart(tmp_path: Path) -> None:
    """And sizes of another archive in that folder are no history of this one."""
    folder = Folder(tmp_path / "data")
    growth = folder.growth()
    growth.measure()
    folder.grow(growth, 6, MIB)
    restarted = folder.growth()
    folder.grow(restarted, 6, MIB)
    (per_day,) = values(restarted)["nova_disk_growth_bytes_per_day"]
    (days,) = values(restarted)["nova_disk_days_until_full"]
    disk = os.statvfs(tmp_path)
    assert days == pytest.approx(disk.f_bavail * disk.f_frsize / per_day, rel=0.1)
    assert 12 * MIB < per_day < 25 * MIB
    size = (tmp_path / "data" / GROWTH_FILE).stat().st_size
    (tmp_path / "data" / "archive.id").write_text("another")
    folder.now_s += STEP_S
    restarted.measure()
    assert restarted.bytes_per_day() is None
    assert (tmp_path / "data" / GROWTH_FILE).stat().st_size < size


def test_a_folder_that_shrinks_is_never_full_and_old_sizes_are_forgotten(tmp_path: Path) -> None:
    """Retention gives disk back; what was a week ago says nothing of now."""
    folder = Folder(tmp_path / "data")
    growth = folder.growth()
    folder.grow(growth, 3, 2 * MIB)
    for path in (*folder.data.glob("truth/*"), *folder.data.glob("files/*/*")):
        path.unlink()
        folder.now_s += STEP_S
        growth.measure()
    assert values(growth)["nova_disk_growth_bytes_per_day"][0] < 0
    assert values(growth)["nova_disk_days_until_full"] == []
    folder.now_s += HISTORY_S + DAY_S
    growth.measure()
    assert growth.bytes_per_day() is None


def test_a_damaged_or_crowded_history_harms_nothing(tmp_path: Path) -> None:
    """A process that is restarted again and again adds no sizes."""
    folder = Folder(tmp_path / "data")
    (folder.data / GROWTH_FILE).write_bytes(b"{")
    for _ in range(20):
        folder.now_s += 1
        folder.growth().measure()
    assert (folder.data / GROWTH_FILE).read_bytes().count(b"],[") == 0


def test_nothing_is_made_where_there_is_no_archive(tmp_path: Path) -> None:
    """Behind an unmounted disk lies an empty folder at the same path."""
    growth = DiskGrowth(tmp_path, tmp_path / "files")
    growth.measure()
    assert list(tmp_path.iterdir()) == []


def test_a_history_that_others_may_read_is_closed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.grow(folder.growth(), hours=1, bytes_per_hour=MIB)
    (tmp_path / GROWTH_FILE).chmod(0o666)
    folder.growth()
    assert (tmp_path / GROWTH_FILE).stat().st_mode & 0o077 == 0
