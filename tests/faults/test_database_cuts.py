"""Power cuts of the edge's SQLite database: no user and no audit entry is lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nova.edge.audit_queue import AuditQueue
from nova.edge.user_store import UserStore
from tests.faults.__main__ import memory_folder
from tests.faults.disk_journal import DurableFolder, records_of
from tests.faults.faulty_disk import FaultyDisk
from tests.faults.forked_writers import ROOT

LIVES, MANY_LIVES = 2, 20
USERS, CUTS = 20, 6


def judge(folder: Path, acknowledged: int) -> int:
    """How many users there are: the first ones, each with its audit entry."""
    with UserStore(folder) as store, AuditQueue(folder) as queue:
        found = {user.username for user in store.list_users()}
        entries = [queued.entry.details["target"] for queued in queue.first()]
    count = len(found)
    assert found == {f"u{number}" for number in range(count)}
    assert entries == [f"u{number}" for number in range(min(count, len(entries)))]
    assert len(entries) == count or len(entries) > USERS
    assert count >= acknowledged
    return count


def cut_power(seed: int, lives: int) -> None:
    """Add users, cut the power at random moments, and continue after the last of them."""
    dice = random.Random(seed)
    acknowledged = 0
    with memory_folder() as place:
        root, after = place / "disk", place / "after"
        root.mkdir()
        disk = FaultyDisk(place, with_journal=True)
        for _ in range(lives):
            durable = DurableFolder(root, acknowledged)
            disk.forget()
            assert add(root, disk, acknowledged) == -signal.SIGKILL
            records = list(records_of(disk.journal.read_bytes()))
            played = 0
            for number in sorted(dice.randrange(len(records) + 1) for _ in range(CUTS)):
                for record in records[played:number]:
                    durable.play(record)
                played = number
                shutil.rmtree(after, ignore_errors=True)
                durable.after_cut(after, dice)
                judge(after / "edge", durable.acknowledged)
            shutil.rmtree(root)
            after.rename(root)
            acknowledged = durable.acknowledged


def add(root: Path, disk: FaultyDisk, first: int) -> int:
    """A process that adds users and then kills itself; returns its status."""
    arguments = [str(root / "edge"), str(disk.journal), str(first), str(USERS)]
    command = [sys.executable, "-m", "tests.faults.adding_users", *arguments]
    variables = {**os.environ, **disk.environment(root)}
    return subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode


def test_some_power_cuts_lose_no_user() -> None:
    """A-299: what `add` has returned for is there, with its audit entry."""
    cut_power(1, LIVES)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 105))
def test_many_power_cuts_lose_no_user(seed: int) -> None:
    """The same for longer."""
    cut_power(seed, MANY_LIVES)
