"""A host that is killed at any moment loses nothing that it accepted, and repeats no command."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from nova.hardware.database_file import FILE_NAME
from tests.hardware.bench_device import command_record
from tests.hardware.killed_host import PUMP, VALVE

ROOT = Path(__file__).parents[2]


@contextmanager
def dispatching(folder: Path) -> Iterator[None]:
    """Commands for both devices, one after the other, until the end of the block."""
    stop = threading.Event()

    def dispatch() -> None:
        number = 0
        with (folder / "dispatched").open("ab", buffering=0) as file:
            while not stop.wait(0.03):
                entity = (PUMP, VALVE)[number % 2]
                file.write(msgspec.json.encode(command_record(f"c{number}", entity=entity)) + b"\n")
                number += 1

    thread = threading.Thread(target=dispatch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def start(folder: Path, run: int, kind: str = "") -> subprocess.Popen[bytes]:
    """A host process that is ready."""
    arguments = [sys.executable, "-m", "tests.hardware.killed_host", str(folder), str(run), kind]
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill_hosts(folder: Path, kills: int) -> None:
    """Start and kill hosts, some of them while they start; then let one finish all."""
    dice = random.Random()
    (folder / "dispatched").touch()
    with dispatching(folder):
        for run in range(kills):
            process = start(folder, run)
            time.sleep(dice.uniform(0, 0.6))
            process.kill()
            process.communicate()
    last = start(folder, kills, "last")
    assert last.wait(60) == 0
    assert last.stdout is not None
    last.stdout.close()


def check_readings(folder: Path, published: list[dict[str, object]], name: str) -> None:
    """All that was accepted is published in order; of each run at most one reading more."""
    found = [one.get("payload") for one in published if one.get("uniqueId") == name]
    counts = [one for one in found if isinstance(one, dict) and "number" in one]
    labels = list(dict.fromkeys(f"{one['run']}/{one['number']}" for one in counts))
    accepted = (folder / f"accepted-{name}").read_text().splitlines()
    assert accepted
    extra = set(labels) - set(accepted)
    assert len(extra) == len({label.partition("/")[0] for label in extra})
    assert [label for label in labels if label not in extra] == accepted


@pytest.mark.parametrize("kills", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_kills_lose_nothing_and_repeat_no_command(tmp_path: Path, kills: int) -> None:
    """Each reading that was accepted is published; each command is done at most once and has
    exactly one result.
    """
    kill_hosts(tmp_path, kills)
    lines = (tmp_path / "published").read_bytes().splitlines()
    published: list[dict[str, object]] = [msgspec.json.decode(line) for line in lines]
    for name in ("pump", "valve"):
        check_readings(tmp_path, published, name)
    executed = (tmp_path / "executed").read_text().splitlines()
    assert len(executed) == len(set(executed)) > 0
    dispatched = (tmp_path / "dispatched").read_bytes().count(b"\n")
    results = defaultdict(set)
    for line, event in zip(lines, published, strict=True):
        if event.get("messageType") == "CommandResult":
            results[event["commandId"]].add(line)
    assert set(results) == {f"c{number}" for number in range(dispatched)}
    assert {name for name, found in results.items() if len(found) != 1} == set()
    succeeded = [name for name, (one,) in results.items() if b'"success"' in one]
    assert set(succeeded) <= set(executed)
    assert not list((tmp_path / "host").glob(f"{FILE_NAME}.damaged*"))
