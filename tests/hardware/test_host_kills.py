"""A host that is killed at any moment loses nothing that it accepted, and repeats no command."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from nova.hardware.database_file import FILE_NAME
from tests.hardware.bench_device import command_record
from tests.hardware.killed_host import PUMP, VALVE
from tests.hardware.plugged import installed

ROOT = Path(__file__).parents[2]
DEVICE_KILLS = 4


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


def start(folder: Path, run: int, kind: str, processes: str) -> subprocess.Popen[bytes]:
    """A host process that is ready, with the plug-in of the tests."""
    module = [sys.executable, "-m", "tests.hardware.killed_host"]
    process = subprocess.Popen(
        [*module, str(folder), str(run), kind, processes],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": installed(folder / f"plugged-{run}{kind}")},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def devices_of(process_id: int) -> list[int]:
    """The processes of a host's devices."""
    try:
        tasks = list(Path(f"/proc/{process_id}/task").iterdir())
        return [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except FileNotFoundError:  # It has ended.
        return []


def is_alive(process_id: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def kill_host(process: subprocess.Popen[bytes], dice: random.Random) -> None:
    """Kill the host; the processes of its devices end with it."""
    time.sleep(dice.uniform(0, 0.6))
    devices = devices_of(process.pid)
    process.kill()
    process.communicate()
    while any(map(is_alive, devices)):
        time.sleep(0.01)


def stop_host(process: subprocess.Popen[bytes], dice: random.Random) -> None:
    """Ask the host and its devices to end, as a service manager does."""
    time.sleep(dice.uniform(0, 0.6))
    devices = devices_of(process.pid)
    for process_id in (*devices, process.pid):
        os.kill(process_id, signal.SIGTERM)
    process.communicate()
    assert process.returncode == 0
    assert not any(map(is_alive, devices))


def kill_devices(process: subprocess.Popen[bytes], dice: random.Random) -> None:
    """Kill processes of devices, while others take their places; then kill the host."""
    killed: set[int] = set()
    while len(killed) < DEVICE_KILLS:
        time.sleep(dice.uniform(0.05, 0.4))
        if fresh := [one for one in devices_of(process.pid) if one not in killed]:
            victim = dice.choice(fresh)
            killed.add(victim)
            os.kill(victim, signal.SIGKILL)
    kill_host(process, dice)


ENDS: dict[str, Sequence[Callable[[subprocess.Popen[bytes], random.Random], None]]] = {
    "one": [kill_host],
    "device": [kill_devices, kill_host, stop_host],
}
"""How hosts end in turn, by where their devices run."""


def end_hosts(folder: Path, ends: int, processes: str) -> None:
    """Start and end hosts, some of them while they start; then let one finish all."""
    dice = random.Random()
    (folder / "dispatched").touch()
    with dispatching(folder):
        for run in range(ends):
            process = start(folder, run, "", processes)
            ways = ENDS[processes]
            ways[run % len(ways)](process, dice)
    last = start(folder, ends, "last", processes)
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


@pytest.mark.parametrize("processes", ["one", "device"])
@pytest.mark.parametrize("ends", [3, pytest.param(25, marks=pytest.mark.slow)])
def test_ends_lose_nothing_and_repeat_no_command(tmp_path: Path, ends: int, processes: str) -> None:
    """Each reading that was accepted is published; each command is done at most once and has
    exactly one result.
    """
    end_hosts(tmp_path, ends, processes)
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
