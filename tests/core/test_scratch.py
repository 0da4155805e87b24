"""Scratch folders of dead processes are removed, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.core.scratch import LOCK_FILE, UNLOCKED_MAX_S, scratch_folder

HOLDING = """
import sys
from nova.core.scratch import scratch_folder
with scratch_folder("tested") as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


DYING = """
import os, signal, sys
from nova.core.scratch import LOCK_FILE, scratch_folder
lives = int(sys.argv[1])
def watch(event, arguments):
    global lives
    if event in ("os.remove", "os.rmdir", "os.rename") and is_left:
        lives -= 1
        if lives < 0:
            os.kill(os.getpid(), signal.SIGKILL)
is_left = False
sys.addaudithook(watch)
with scratch_folder("tested") as folder:
    (folder / "copy").mkdir()
    (folder / "copy" / "link").touch()
    is_left = True
"""
"""Kills itself before one of the changes by which it removes its folder."""


@contextmanager
def holding(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has a folder, killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(temporary)},
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_only_folders_of_dead_processes_and_of_the_same_name_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of a stopped process stays, one that has no lock yet, and what a link names."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with holding(tmp_path) as (dead, left), holding(tmp_path) as (living, kept):
        dead.kill()
        dead.wait()
        living.send_signal(signal.SIGSTOP)
        for name in ("nova-tested-new", "nova-other-1", "elsewhere"):
            (tmp_path / name).mkdir()
        for name in ("nova-other-1", "elsewhere"):
            (tmp_path / name / LOCK_FILE).touch()
        (tmp_path / "nova-tested-link").symlink_to(tmp_path / "elsewhere")
        with scratch_folder("tested") as own:
            names = {path.name for path in tmp_path.iterdir()}
            others = {"nova-tested-new", "nova-other-1", "nova-tested-link", "elsewhere"}
            assert names == {own.name, kept.name, *others}
            assert left.name not in names
    assert not own.exists()


@pytest.mark.parametrize("there", [(), (f"{LOCK_FILE}.new",)])
def test_a_process_that_died_before_its_folder_had_a_lock_leaves_nothing_for_ever(
    there: tuple[str, ...], tmp_path: Path
) -> None:
    """An old folder without a lock goes, a new one may get it yet."""
    for name in ("nova-tested-old", "nova-tested-new"):
        (tmp_path / name).mkdir()
        for file in there:
            (tmp_path / name / file).touch()
    long_ago = time.time() - UNLOCKED_MAX_S - 60
    os.utime(tmp_path / "nova-tested-old", (long_ago, long_ago))
    with scratch_folder("tested", tmp_path) as own:
        assert {path.name for path in tmp_path.iterdir()} == {own.name, "nova-tested-new"}


def test_a_process_that_dies_while_it_removes_its_folder_leaves_nothing_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it has removed already, its lock included: the next folder removes the rest."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = 0
    for lives in range(100):
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(lives)], env={"TMPDIR": str(tmp_path)}, check=False
        )
        left += any(tmp_path.iterdir())
        with scratch_folder("tested") as own:
            assert [path.name for path in tmp_path.iterdir()] == [own.name], lives
        if done.returncode == 0:
            break
    assert left >= 4
    assert done.returncode == 0
