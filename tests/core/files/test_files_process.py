"""The process of daily files: killed at any time, on a full disk, and never two (AMB-42, A-204)."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from nova.cli.main import nova
from nova.core.files.daily_files import DailyFiles
from nova.core.files.daily_files_state import read_state
from nova.core.files.files_process import lock_folder
from nova.core.store.durability_marker import write_marker
from nova.sdk.errors import NovaError
from tests.core.filing import DAYS, Filed, filed, record, tree

WAIT_S = 240.0
EVENTS = 3_000


@contextmanager
def following(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The process, ready, killed at the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nova.cli", "core", "files", "--data", str(data)],
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "NOVA_MODE": "ground", "NOVA_DRIVERS": "parquet,jsonl"},
    )
    with process:
        try:
            assert process.stdout is not None
            assert msgspec.json.decode(process.stdout.readline())["ready"] == "files"
            raise_priority(process.pid)
            yield process
        finally:
            process.kill()


def raise_priority(pid: int) -> None:
    """Give a process of the lowest priority that of the tests: a busy machine may never run it."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, int(task.name), 0)


def until_complete(archive: Filed) -> None:
    """Wait until the files are written up to the last event."""
    ends = time.monotonic() + WAIT_S
    while read_state(archive.root).cursor_ns < archive.committer.last_ns:
        assert time.monotonic() < ends, read_state(archive.root)
        time.sleep(0.05)


def expected(archive: Filed, tmp_path: Path) -> dict[str, bytes]:
    """The files of both days, written without a disturbance and compressed."""
    root = tmp_path / "undisturbed"
    files = DailyFiles(archive.view, archive.registry, root, compresses=True)
    list(files.follow(archive.committer.last_ns))
    files.close()
    return {f"{day}/{path}": data for day in DAYS for path, data in tree(root / day).items()}


def written_bytes(root: Path) -> int:
    """The approximate size of files that may disappear meanwhile."""
    size = 0
    for path in root.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def killed_often(tmp_path: Path, times: int) -> None:
    """Kill the process after a number of bytes, and compare the final files."""
    dice = random.Random(times)
    with filed(tmp_path, ("parquet", "jsonl"), EVENTS) as archive:
        write_marker(tmp_path, archive.committer.marker())
        archive.root.mkdir()
        for _ in range(times):
            with following(tmp_path):
                ends = time.monotonic() + dice.random() / 2
                size, wanted = -1, dice.randint(0, 200_000)
                while time.monotonic() < ends and size < wanted:
                    size = written_bytes(archive.root)
        with following(tmp_path):
            until_complete(archive)
        written = {f"{day}/{p}": d for day in DAYS for p, d in tree(archive.root / day).items()}
        assert written == expected(archive, tmp_path)


def test_kill_9_leaves_the_same_files(tmp_path: Path) -> None:
    """AMB-42: three times at random."""
    killed_often(tmp_path, 3)


def test_a_kill_between_the_first_folder_and_its_state_is_no_damage(tmp_path: Path) -> None:
    """The state is there before the first day, so that nothing is counted as lost or set aside."""
    with filed(tmp_path, ("jsonl",), EVENTS) as archive:
        first = DailyFiles(archive.view, archive.registry, archive.root)
        first.close()
        (archive.root / DAYS[0]).mkdir()
        (archive.root / DAYS[0] / "begun").touch()
        second = DailyFiles(archive.view, archive.registry, archive.root)
        list(second.follow(archive.committer.last_ns))
        second.close()
        assert second.state.failures == 0
        assert not [path for path in archive.root.iterdir() if "replaced" in path.name]
        assert not (archive.root / DAYS[0] / "begun").exists()


@pytest.mark.slow
def test_kill_9_at_20_points_leaves_the_same_files(tmp_path: Path) -> None:
    """Twenty times."""
    killed_often(tmp_path, 20)


def test_a_full_disk_pauses_the_files_only(tmp_path: Path) -> None:
    """A-204: it is counted and tried again; once there is room, all is as if there always had
    been. Ingest is another process, which does not learn of it.
    """
    with filed(tmp_path, ("parquet", "jsonl"), EVENTS) as archive:
        with following(tmp_path) as process:
            limits = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (30_000, limits[1]))
            write_marker(tmp_path, archive.committer.marker())
            ends = time.monotonic() + WAIT_S
            while read_state(archive.root).failures < 1:
                assert time.monotonic() < ends
                time.sleep(0.05)
            assert "File too large" in read_state(archive.root).last_failure
            assert process.poll() is None
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
            until_complete(archive)
        assert read_state(archive.root).failures >= 1
        written = {f"{day}/{p}": d for day in DAYS for p, d in tree(archive.root / day).items()}
        assert written == expected(archive, tmp_path)


def test_files_that_are_cut_and_removed_under_the_process_are_whole_again(tmp_path: Path) -> None:
    """One file of the day is cut, another removed, and more events come: no file gets a
    gap, those that were are kept, and status counts it, after a restart too.
    """
    with filed(tmp_path, ("jsonl",), EVENTS) as archive:
        write_marker(tmp_path, archive.committer.marker())
        at_ns = archive.committer.last_ns + 10**9
        with following(tmp_path):
            archive.take([record(n, at_ns) for n in range(5_000, 5_100)], at_ns)
            write_marker(tmp_path, archive.committer.marker())
            until_complete(archive)
            day = archive.root / read_state(archive.root).day
            cut, removed = sorted(day.rglob("*.jsonl"))[:2]
            with cut.open("r+b") as file:
                file.truncate(200)
            removed.unlink()
            archive.take([record(n, at_ns) for n in range(6_000, 6_100)], at_ns + 10**12)
            write_marker(tmp_path, archive.committer.marker())
            ends = time.monotonic() + WAIT_S
            while read_state(archive.root).failures < 1:
                assert time.monotonic() < ends
                time.sleep(0.05)
            until_complete(archive)
        with following(tmp_path):
            until_complete(archive)
        state = read_state(archive.root)
        assert state.failures == 1
        assert "the old files were moved to" in state.last_failure
        expected(archive, tmp_path)
        assert tree(day) == tree(tmp_path / "undisturbed" / day.name)
        assert (archive.root / "replaced-1" / day.name).is_dir()


def test_only_one_process_writes_a_folder(tmp_path: Path) -> None:
    """The second names the first."""
    with (
        lock_folder(tmp_path),
        pytest.raises(NovaError, match="another process writes the daily files"),
    ):
        lock_folder(tmp_path)


def test_nova_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` says how far they are, `rebuild` makes a day again as it was."""
    from click.testing import CliRunner

    monkeypatch.setenv("NOVA_DRIVERS", "parquet,jsonl")
    with filed(tmp_path, ("parquet", "jsonl")) as archive:
        files = archive.daily(compresses=True)
        list(files.follow(archive.committer.last_ns))
        files.save()
        files.close()
        before = tree(archive.root / DAYS[0])
        next(iter((archive.root / DAYS[0]).rglob("*.parquet"))).unlink()
        data = ["--data", str(tmp_path)]
        done = CliRunner().invoke(nova, ["files", "rebuild", DAYS[0], *data])
        assert done.exit_code == 0, done.output
        assert tree(archive.root / DAYS[0]) == before
        status = CliRunner().invoke(nova, ["files", "status", "--json", *data])
        told = msgspec.json.decode(status.output)
        assert (told["day"], told["failures"]) == ("2026-01-28", 0)
        for bad in ("2026-13-01", "x", "../x"):
            refused = CliRunner().invoke(nova, ["files", "rebuild", bad, *data])
            assert refused.exit_code == 1 and "invalid day" in refused.output


def test_the_open_day_is_made_anew_while_nobody_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is then gone on with from its beginning, days before it left alone."""
    from click.testing import CliRunner

    monkeypatch.setenv("NOVA_DRIVERS", "parquet,jsonl")
    with filed(tmp_path, ("parquet", "jsonl")) as archive:
        files = archive.daily()
        list(files.follow(archive.committer.last_ns))
        files.save()
        files.close()
        before = read_state(archive.root)
        command = ["files", "rebuild", before.day, "--data", str(tmp_path)]
        with lock_folder(archive.root):
            refused = CliRunner().invoke(nova, command)
        assert refused.exit_code == 1 and "another process" in refused.output
        assert CliRunner().invoke(nova, command).exit_code == 0
        assert tree(archive.root / before.day)
        complete = tree(archive.root / DAYS[1])
        files = archive.daily()
        list(files.follow(archive.committer.last_ns))
        files.save()
        files.close()
        after = read_state(archive.root)
        assert (after.day, after.cursor_ns) == (before.day, before.cursor_ns)
        assert [file.file for file in after.files] == [file.file for file in before.files]
        assert tree(archive.root / DAYS[1]) == complete
