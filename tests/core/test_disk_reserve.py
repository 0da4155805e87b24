"""Exports and daily files leave free space to the archive, on a real small disk."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from nova.core.backup.target_place import open_target
from nova.core.batch.zip_package import pack
from nova.core.disk_reserve import (
    FILE_BLOCK_BYTES,
    DiskReserve,
    DiskReserveError,
    reserved_file,
)
from nova.core.files.daily_files import DailyFiles
from nova.core.files.day_rebuild import rebuild_day_files
from nova.core.files.file_folder import FileFolder
from nova.core.query.derived_writer import STEP_BYTES, follow
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import write_marker
from nova.sdk.client.client import Client
from nova.sdk.endpoints import exports_folder
from nova.sdk.errors import NovaError, ProtocolError
from nova.sdk.protocol.export import Export
from nova.sdk.settings import Settings
from tests.core.conftest import Make
from tests.core.filing import DAYS, filed, tree
from tests.core.running import running_core

MIB = 1024 * 1024
DISK_MIB = 160
EVENTS = 20_000
WAIT_S = 60.0


@pytest.fixture
def disk(data: Path) -> Iterator[Path]:
    """A disk of its own, of a few MiB."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(data)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    yield data
    subprocess.run(["umount", "-l", str(data)], check=True)


def free_bytes(folder: Path) -> int:
    """What is free on a folder's disk."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def test_what_would_need_the_reserve_is_not_written(disk: Path) -> None:
    """The error says how much space is missing and what to do; existing files stay."""
    reserve = DiskReserve(disk, free_bytes(disk) - 2 * MIB, disk)
    folder = FileFolder(disk / "files", reserve)
    folder.append("a", 0, bytes(MIB))
    with pytest.raises(DiskReserveError, match=r"reserved for the archive: free some disk, or set"):
        folder.append("a", MIB, bytes(2 * MIB))
    with pytest.raises(DiskReserveError), folder.replace_file("b", 3 * MIB):
        pass
    assert folder.size("a") == MIB and folder.paths() == ["a"]
    folder.close()


def test_two_that_write_at_once_leave_the_reserve(disk: Path) -> None:
    """Each has looked before its first byte, when there was room for one of them: two exports ran
    the disk to 0 and the writer died of it.
    """
    reserve = DiskReserve(disk, free_bytes(disk) - 8 * MIB, disk)
    folders = [FileFolder(disk / name, reserve) for name in ("one", "two")]
    for folder in folders:
        folder.append("source", 0, bytes(MIB))
    with pytest.raises(DiskReserveError, match="reserved for the archive"):
        sealed(folders, 4 * MIB)
    assert free_bytes(disk) >= reserve.size_bytes
    assert [folder.size("sealed") for folder in folders] == [None, None]
    for folder in folders:
        folder.append("large", 0, bytes(2 * MIB))
    out = reserved_file(os.open(disk / "zip", os.O_RDWR | os.O_CREAT), reserve)
    with pytest.raises(DiskReserveError), out:
        pack(folders[0], ["large", "source"], ("export.json", b"{}"), out)
    assert free_bytes(disk) >= reserve.size_bytes
    for folder in folders:
        folder.close()


WRITER = """
import os, sys
from pathlib import Path
from nova.core.disk_reserve import DiskReserve, DiskReserveError, reserved_file
data, size = Path(sys.argv[1]), int(sys.argv[2])
out = os.open(data / f"out-{os.getpid()}", os.O_RDWR | os.O_CREAT)
try:
    with reserved_file(out, DiskReserve(data, size, data)) as file:
        while True:
            file.write(bytes(3 * 1024 * 1024))
except DiskReserveError:
    print("full")
"""


def test_processes_that_write_at_once_leave_the_reserve(disk: Path) -> None:
    """No two of them count the same free space, however many there are."""
    size = free_bytes(disk) - 100 * MIB
    command = [sys.executable, "-c", WRITER, str(disk), str(size)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    lowest = free_bytes(disk)
    while any(writer.poll() is None for writer in writers):
        lowest = min(lowest, free_bytes(disk))
    assert [writer.communicate()[0] for writer in writers] == [b"full\n"] * 4
    assert lowest >= size and free_bytes(disk) < size + 4 * 3 * MIB


def test_a_look_and_its_write_are_one_step(disk: Path) -> None:
    """A second writer looks only after the first one has written."""
    first, second = (DiskReserve(disk, free_bytes(disk) - 4 * MIB, disk) for _ in range(2))
    began, is_refused = threading.Event(), threading.Event()

    def write_too() -> None:
        began.set()
        with pytest.raises(DiskReserveError), second.room(3 * MIB):
            pass
        is_refused.set()

    with first.room(3 * MIB):
        other = threading.Thread(target=write_too)
        other.start()
        began.wait()
        assert not is_refused.wait(0.2)
        (disk / "first").write_bytes(bytes(3 * MIB))
    other.join()
    assert is_refused.is_set()


def sealed(folders: Sequence[FileFolder], size: int) -> None:
    """Write a file in each, in turns, after all have looked whether there is room for theirs."""
    with ExitStack() as stack:
        files = [stack.enter_context(folder.replace_file("sealed", size)) for folder in folders]
        for _ in range(size // MIB):
            for file in files:
                file.write(bytes(MIB))


def test_a_backup_on_the_disk_of_the_archive_leaves_the_reserve(disk: Path, tmp_path: Path) -> None:
    target = open_target(str(disk / "backup"), disk, free_bytes(disk) - MIB)
    with target.lock():
        target.write("small", bytes(1000))
        with pytest.raises(NovaError, match="reserved for the archive"):
            target.write("large", bytes(2 * MIB))
        assert set(target.sizes("")) >= {"small"} and "large" not in target.sizes("")
    elsewhere = open_target(str(tmp_path / "backup"), disk, 2**60)
    with elsewhere.lock():
        elsewhere.write("large", bytes(2 * MIB))


def test_a_rebuilt_day_leaves_the_reserve(tmp_path: Path, disk: Path) -> None:
    """And the files that were there stay."""
    with filed(tmp_path, ("jsonl",)) as archive:
        whole = archive.daily()
        list(whole.follow(archive.committer.last_ns))
        whole.close()
        before = tree(archive.root / DAYS[0])
        full = DiskReserve(archive.root, 2**50)
        with pytest.raises(DiskReserveError):
            rebuild_day_files(
                archive.view, archive.registry, archive.root, DAYS[0], lambda _: None, full
            )
        assert tree(archive.root / DAYS[0]) == before


async def test_makers_of_derived_data_wait_for_room(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Samples and checkpoints can be made again; the log says once why they are late."""
    archive = Archive.open_primary(disk)
    write_marker(disk, archive.holdings())
    ballast, done = disk / "ballast", asyncio.Event()
    ballast.write_bytes(bytes(20 * MIB))

    def advance(_: int) -> list[int]:
        done.set()
        return []

    reserve = DiskReserve(disk, free_bytes(disk) - STEP_BYTES + 10 * MIB)
    with caplog.at_level(logging.INFO, "nova.core.query.derived_writer"):
        work = asyncio.create_task(follow(disk, "samples", advance, reserve, room_interval_s=0.01))
        while "the disk is short" not in caplog.text:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not done.is_set() and caplog.text.count("the disk is short") == 1
        ballast.unlink()
        await asyncio.wait_for(done.wait(), WAIT_S)
        assert "continued" in caplog.text
    work.cancel()
    await asyncio.wait((work,))
    archive.close()


def test_of_a_file_that_fails_nothing_is_left(tmp_path: Path) -> None:
    """Neither it nor what it would have replaced is touched."""
    folder = FileFolder(tmp_path)
    folder.append("a", 0, b"before")
    with pytest.raises(ZeroDivisionError), folder.replace_file("a") as out:
        out.write(bytes(1 // 0))
    assert folder.paths() == ["a"] and folder.size("a") == 6
    folder.close()


def test_a_disk_of_their_own_is_theirs(disk: Path, tmp_path: Path) -> None:
    """The reserve is for truth, which is elsewhere."""
    assert DiskReserve(disk, 2**60, tmp_path).free_bytes() > 2**60
    assert DiskReserve(disk / "not" / "there", 2**60, disk).free_bytes() < 0


async def test_an_export_stops_at_the_reserve_and_truth_goes_on(disk: Path, record: Make) -> None:
    """Nothing is left of it, the client learns what to do, and events are taken in as before; with
    less of a reserve the same export is made.
    """
    settings = Settings(data=str(disk), mode="ground")
    large = [record(n, at_ns=n * 1_000) for n in range(EVENTS)]
    async with running_core(settings) as core:
        await core.publish(large)
    used = sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())
    assert used < 60 * MIB
    leaves_mib = free_bytes(disk) // MIB - 2
    settings = Settings(data=str(disk), mode="ground", reserve_mib=leaves_mib)
    async with running_core(settings) as core, await Client.to_core(disk) as client:
        with pytest.raises(ProtocolError, match=r"diskFull.*reserved for the archive"):
            await client.export(Export(driver="jsonl"))
        assert list(exports_folder(disk).glob("*")) == []
        receipt = await core.publish([record(EVENTS + n) for n in range(1_000)])
        assert receipt.new == 1_000
        with pytest.raises(ProtocolError, match="diskFull"):
            await client.export(Export(driver="jsonl"))
    settings = Settings(data=str(disk), mode="ground", reserve_mib=1)
    async with running_core(settings) as core, await Client.to_core(disk) as client:
        assert (await client.export(Export(driver="jsonl"))).events == EVENTS + 1_000


def test_daily_files_stop_at_the_reserve_and_go_on_later(tmp_path: Path, disk: Path) -> None:
    """What is written later is what would have been written at once."""
    with filed(tmp_path, ("jsonl",)) as archive:
        whole = archive.daily()
        list(whole.follow(archive.committer.last_ns))
        whole.close()
        root = disk / "files"
        mark = archive.committer.last_ns
        full = DailyFiles(archive.view, archive.registry, root, DiskReserve(root, 2**50, disk))
        with pytest.raises(DiskReserveError):
            list(full.follow(mark))
        full.close()
        later = DailyFiles(archive.view, archive.registry, root, DiskReserve(root, 1, disk))
        list(later.follow(mark))
        later.close()
        state = "state.json"
        found, expected = tree(root), tree(archive.root)
        assert found.keys() == expected.keys()
        assert all(found[name] == expected[name] for name in found if name != state)


def test_what_is_written_in_a_turn_counts_without_another_look(disk: Path) -> None:
    """Another writer waits for its end, and sees what was written."""
    reserve = DiskReserve(disk, free_bytes(disk) - 4 * MIB, disk)
    folder, waiting = FileFolder(disk / "files", reserve), threading.Event()
    refused: list[OSError] = []

    def write_too() -> None:
        waiting.set()
        try:
            with reserve.room(3 * MIB):
                pass
        except DiskReserveError as error:
            refused.append(error)

    other = threading.Thread(target=write_too)
    with reserve.turn():
        folder.append("a", 0, bytes(2 * MIB))
        other.start()
        waiting.wait()
        left = reserve.free_bytes()
        folder.append("b", 0, bytes(1))
        assert reserve.free_bytes() == left - FILE_BLOCK_BYTES
        assert not refused
        with pytest.raises(DiskReserveError):
            folder.append("c", 0, bytes(2 * MIB))
    other.join()
    assert len(refused) == 1
    assert folder.paths() == ["a", "b"]
    folder.close()
