"""The disk of the fault tests: what it records, loses and lies about is found."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import faulty_disk as disk
from tests.faults.__main__ import memory_folder
from tests.faults.disk_journal import DurableFolder, records_of
from tests.faults.faulty_disk import DiskFault, FaultyDisk
from tests.faults.forked_writers import writer_fork
from tests.faults.schedule_run import ScheduleRun
from tests.faults.schedules import Life, Schedule

TRIALS = 60
WRITES = """
import os
file = os.open("a", os.O_CREAT | os.O_WRONLY)
folder = os.open(".", os.O_RDONLY)
os.write(file, b"synced")
os.fsync(file)
os.fsync(folder)
os.write(file, b"later")
os.rename("a", "b")
"""


def run_program(folder: Path, faulty: FaultyDisk, program: str) -> int:
    """The exit status of a program that works in a folder on this disk."""
    variables = {**os.environ, **faulty.environment(folder)}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=folder, env=variables, check=False).returncode


def test_what_was_synced_stays_and_the_rest_may_not(tmp_path: Path) -> None:
    """Every mixture of what was not synced comes out, and nothing else does."""
    folder = tmp_path / "disk"
    folder.mkdir()
    faulty = FaultyDisk(tmp_path, with_journal=True)
    before = DurableFolder(folder, 0)
    assert run_program(folder, faulty, WRITES) == 0
    assert (folder / "b").read_bytes() == b"syncedlater"
    for record in records_of(faulty.journal.read_bytes()):
        before.play(record)
    found = set()
    for trial in range(TRIALS):
        target = tmp_path / str(trial)
        before.after_cut(target, random.Random(trial))
        ((path, content),) = [(path.name, path.read_bytes()) for path in target.iterdir()]
        found.add((path, content))
    assert found == {(name, content) for name in "ab" for content in (b"synced", b"syncedlater")}


@pytest.mark.parametrize(("fault", "status"), [(disk.FAULTS["ENOSPC"], 1), (disk.KILL_AFTER, -9)])
def test_a_struck_call_fails_or_is_the_last(tmp_path: Path, fault: int, status: int) -> None:
    """The second write: what is before it has happened."""
    folder = tmp_path / "disk"
    folder.mkdir()
    faulty = FaultyDisk(tmp_path)
    faulty.strike(DiskFault(disk.WRITE, fault, after=1))
    assert run_program(folder, faulty, WRITES) == status
    assert faulty.hits() == 1
    kept = b"synced" if status == 1 else b"syncedlater"
    assert (folder / "a").read_bytes() == kept


def test_a_disk_that_lies_about_its_syncs_is_noticed() -> None:
    """What was acknowledged and never synced is missing after a power cut: the model says so."""
    lie = DiskFault(disk.SYNC, disk.LIE, 0, disk.FOREVER, ".log")
    lives = [Life([150] * 4), Life([150] * 4, lie, cuts=12)]
    with writer_fork() as fork, memory_folder() as folder:
        run = ScheduleRun(Schedule("cuts", 1, 60, lives), folder, fork)
        asyncio.run(run.run())
    assert any("lost: " in fault or "refused: " in fault for fault in run.faults), run.faults
