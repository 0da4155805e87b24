"""Kept exports are bounded, and removed oldest first when the disk is short of space (issue
14).
"""

from __future__ import annotations

import os
from pathlib import Path

from nova.core.disk_reserve import DiskReserve
from nova.core.server.kept_exports import KeptExports
from nova.sdk.client.client import Client
from nova.sdk.endpoints import exports_folder
from nova.sdk.protocol.export import Export
from nova.sdk.settings import Settings
from tests.core.filing import arrivals
from tests.core.running import running_core


def kept(folder: Path, count: int) -> None:
    """Finished exports of ten bytes each, the first the oldest."""
    for number in range(count):
        for suffix in (".zip", ".json"):
            path = folder / f"{number}{suffix}"
            path.write_bytes(bytes(10))
            os.utime(path, (number, number))


def names(folder: Path) -> list[str]:
    """What is there."""
    return sorted(path.name for path in folder.iterdir())


def test_the_oldest_go_first_and_no_more_than_it_takes(tmp_path: Path) -> None:
    """Kept exports with their log messages."""
    kept(tmp_path, 4)
    exports = KeptExports(tmp_path, 45, DiskReserve(tmp_path, 0))
    exports.make_room(5)
    assert len(names(tmp_path)) == 8
    exports.make_room(20)
    assert names(tmp_path) == ["2.json", "2.zip", "3.json", "3.zip"]
    exports.make_room(45)
    assert names(tmp_path) == []


def test_a_short_disk_takes_the_oldest(tmp_path: Path) -> None:
    """And none while there is room."""
    kept(tmp_path, 2)
    KeptExports(tmp_path, 100, DiskReserve(tmp_path, 1), margin_bytes=1).free_disk_space()
    assert len(names(tmp_path)) == 4
    KeptExports(tmp_path, 100, DiskReserve(tmp_path, 2**60)).free_disk_space()
    assert names(tmp_path) == []


async def test_a_finished_export_takes_the_place_of_older_ones(data: Path) -> None:
    """Through a reader: both do not fit into the cap together."""
    settings = Settings(data=str(data), mode="ground", exports_mib=1)
    async with running_core(settings) as core, await Client.to_core(data) as client:
        await core.publish(arrivals(300))
        exports_folder(data).mkdir()
        old = exports_folder(data) / "old.zip"
        old.write_bytes(bytes(1024 * 1024))
        os.utime(old, (1, 1))
        done = await client.export(Export(driver="jsonl"))
        assert [path.stem for path in exports_folder(data).glob("*.zip")] == [done.export_id]
