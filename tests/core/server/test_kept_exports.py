"""Kept exports are bounded, and removed oldest first when the disk is short of space (issue
14).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nova.core.disk_reserve import DiskReserve
from nova.core.server.export_jobs import ExportJobs
from nova.core.server.kept_exports import KeptExports
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import ProtocolError
from nova.sdk.protocol.export import Export
from nova.sdk.protocol.messages import Query
from nova.sdk.settings import MIB, Settings
from tests.core.filing import arrivals
from tests.core.running import running_core
from tests.core.telling import START_NS, telling

RESERVE_MIB_MAX = 1_073_741_824
"""More than any disk has, so that it is short."""


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


def bytes_kept(data: Path) -> int:
    """The bytes of all kept exports."""
    return sum(path.stat().st_size for path in exports_folder(data).glob("*.zip"))


async def test_no_sequence_of_exports_exceeds_the_cap(data: Path) -> None:
    """Each fits, three do not: the newest stay, with what each needs to be downloaded."""
    settings = Settings(data=str(data), mode="ground", exports_mib=1, drivers=("jsonl",))
    async with running_core(settings) as core, await Client.to_core(data) as client:
        await core.publish([telling(START_NS + n, {"f": "x" * 40_000}) for n in range(10)])
        await core.settled(client, 10)
        for _ in range(3):
            done = await client.export(Export())
            assert done.bytes <= bytes_kept(data) <= MIB
            assert (exports_folder(data) / f"{done.export_id}.zip").exists()
    assert bytes_kept(data) > MIB // 2
    assert len(list(exports_folder(data).glob("*.json"))) == 2


async def test_the_manifest_counts_too(data: Path) -> None:
    """An export whose files just fit is refused, rather than kept above the cap."""
    settings = Settings(data=str(data), mode="ground", exports_mib=1, drivers=("jsonl",))
    async with running_core(settings) as core, await Client.to_core(data) as client:
        await core.publish([telling(START_NS + n, {"f": "x" * 60_000}) for n in range(16)])
        await core.settled(client, 16)
        used = sum([len(event) + 1 async for event in client.query(Query())])
        empty = used // 16 - 60_000
        await core.publish([telling(START_NS + 99, {"f": "x" * (MIB - used - empty - 40)})])
        await core.settled(client, 17)
        with pytest.raises(ProtocolError) as raised:
            await client.export(Export())
    assert raised.value.code == "exportTooLarge"
    assert list(exports_folder(data).iterdir()) == []


def test_what_is_kept_makes_room_while_no_export_runs(data: Path) -> None:
    """After the cap was lowered, and when the archive has filled the disk."""
    folder = exports_folder(data)
    folder.mkdir()
    kept(folder, 4)
    (folder / "3.zip").write_bytes(bytes(MIB))
    lowered = Settings(data=str(data), mode="ground", exports_mib=1)
    expires = timestamps.text(timestamps.now() + 10**12)
    for path in folder.glob("*.json"):
        path.write_text(f'{{"expiresAt": "{expires}", "bytes": 10, "digest": ""}}')
    ExportJobs(lowered).sweep()
    assert names(folder) == ["3.json", "3.zip"]
    short = Settings(data=str(data), mode="ground", reserve_mib=RESERVE_MIB_MAX)
    ExportJobs(short).sweep()
    assert names(folder) == []
