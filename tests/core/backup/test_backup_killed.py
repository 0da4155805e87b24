"""Backups and restores that are killed while they work, as processes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nova.core.backup.folder_target import FolderTarget
from nova.core.errors import ArchiveError
from nova.core.store.archive_identity import refuse_emptied
from nova.sdk.durable import NEW_SUFFIX
from tests.core.backup.backing_up import LivingArchive, contents, restored, sound

pytestmark = pytest.mark.slow

KILLS = 10
SEED = 19
FILES_MAX = 24
POLL_S = 0.001


def files_in(folder: Path) -> int:
    # Unlike a glob, a walk skips what goes meanwhile.
    return sum(len(names) for _, _, names in os.walk(folder))


def run(arguments: list[str], watched: Path, kill_at: int | None = None) -> bool:
    """Run a command, or kill it once a folder has that many files; returns whether it ended by
    itself.
    """
    command = [sys.executable, "-m", "nova.cli", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if kill_at is not None and files_in(watched) >= kill_at:
                process.kill()
                process.wait()
                return False
            time.sleep(POLL_S)
        assert process.returncode == 0
    return True


def test_a_killed_backup_costs_nothing(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """A-299: whenever it is killed, the earlier backups are whole and the next one works."""
    dice = random.Random(SEED)
    root = Path(str(target))
    arguments = ["backup", "--data", str(living.data), "--to", str(root), "--keep", "2"]
    kept: list[str] = []
    ended = []
    for _ in range(KILLS):
        living.grow(5)
        living.archive.flush()
        before = files_in(root)
        ended.append(run(arguments, root, before + dice.randrange(1, 20)))
        found = sound(target)
        assert set(kept[-1:]) <= set(found)
        kept = found
    assert False in ended
    assert run(arguments, root)
    assert set(kept[-1:]) < set(sound(target))
    assert not list(root.rglob(f"*{NEW_SUFFIX}"))
    assert not list(living.data.glob("nova-backup-*"))
    restored(target, tmp_path / "back")
    living.close()
    assert contents(tmp_path / "back") == contents(living.data)


def test_a_killed_restore_is_no_archive(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """Each is whole or refused, and the next one begins anew in the same folder."""
    dice = random.Random(SEED)
    root, back = Path(str(target)), tmp_path / "back"
    assert run(["backup", "--data", str(living.data), "--to", str(root)], root)
    living.close()
    expected = contents(living.data)
    arguments = ["restore", "--from", str(root), "--data", str(back)]
    killed = 0
    for _ in range(KILLS):
        if run(arguments, back, dice.randrange(1, FILES_MAX)):
            assert contents(back) == expected
            shutil.rmtree(back)
            continue
        if (back / "truth").exists():
            assert contents(back) == expected
            shutil.rmtree(back)
            continue
        killed += 1
        with pytest.raises(ArchiveError):
            refuse_emptied(back)
    assert killed > 0
    shutil.rmtree(back, ignore_errors=True)
    assert run(arguments, back)
    assert contents(back) == expected
