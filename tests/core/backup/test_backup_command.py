"""`nova backup` and `nova restore` as commands."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from nova.core.backup.backup_run import BackupSummary
from nova.core.backup.folder_target import FolderTarget
from nova.core.backup.generation import generation_names
from tests.command_here import command_here
from tests.core.backup.backing_up import LivingArchive, backed_up, contents, restored
from tests.e2e.mounting import can_mount, run_beside_read_only


def test_options_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    target = str(tmp_path / "target")
    done = command_here("backup", "--to", target, "--with-settings")
    assert (done.returncode, b"--with-settings requires --config" in done.stderr) == (2, True)
    done = command_here("restore", "--from", target)
    assert (done.returncode, b"give the folder" in done.stderr) == (2, True)
    assert not Path(target).exists()


def test_the_backups_of_a_target_are_listed(living: LivingArchive, target: FolderTarget) -> None:
    made = [backed_up(living.data, target).generation for _ in range(2)]
    done = command_here("restore", "--from", str(target), "--list")
    assert done.stdout.decode().split() == made
    done = command_here("restore", "--from", str(target), "--list", "--json")
    assert msgspec.json.decode(done.stdout) == made


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_place_without_a_backup_is_an_error(tmp_path: Path, more: tuple[str, ...]) -> None:
    """Of a list too: a mistyped place looked like one without backups."""
    for name in ("empty", "missing"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        done = command_here("restore", "--from", str(tmp_path / name), "--list", *more)
        assert (done.returncode, done.stdout) == (1, b"")
        assert f"{name} holds no backup: is this the right place".encode() in done.stderr


@pytest.mark.slow
def test_an_archive_that_cannot_be_written_is_backed_up(
    living: LivingArchive, target: FolderTarget, tmp_path: Path
) -> None:
    """As one on a disk that is mounted read-only: nothing in its folder is changed."""
    if not can_mount():
        pytest.skip("this user may not mount")
    living.grow(3)
    living.close()
    before = sorted(str(path) for path in living.data.rglob("*"))
    arguments = ("backup", "--data", str(living.data), "--to", str(target), "--json")
    done = run_beside_read_only(living.data, [sys.executable, "-m", "nova.cli", *arguments])
    assert done.returncode == 0, done.stderr.decode()
    summary = msgspec.json.decode(done.stdout, type=BackupSummary)
    assert [summary.generation] == generation_names(target)
    assert sorted(str(path) for path in living.data.rglob("*")) == before
    restored(target, tmp_path / "back")
    assert contents(tmp_path / "back") == contents(living.data)
