"""Starting processes: a child may take its time as long as it reports progress."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.cli.supervisor import ChildProcess
from nova.sdk.errors import NovaError

SUPERVISED = """
import asyncio, sys
from nova.cli.supervisor import ChildProcess, Supervisor

async def main():
    supervisor = Supervisor([ChildProcess("busy", ("busy_child",))])
    await supervisor.start()
    print(supervisor.children[0].process.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
BUSY = """
import asyncio, ctypes
from nova.sdk import lifecycle

async def main():
    lifecycle.stop_event(exit_with_stdin=True)
    lifecycle.print_ready("busy")
    ctypes.PyDLL(None).sleep(60)  # in C, with the GIL held, as a long call into RocksDB is

asyncio.run(main())
"""
SLOW = """
import sys, time
from nova.sdk import lifecycle
for part in range(int(sys.argv[1])):
    time.sleep(float(sys.argv[2]))
    lifecycle.print_progress("slow", f"{part}")
if sys.argv[1] != "0":
    lifecycle.print_ready("slow", at="last")
sys.stdin.read()
"""
TIMEOUT_S = 2.0
ORPHAN_MAX_S = 20.0
"""Far less than the child would be busy."""


@pytest.fixture
async def child(tmp_path: Path) -> AsyncIterator[ChildProcess]:
    """A child that is not started."""
    (tmp_path / "slow_child.py").write_text(SLOW)
    path = os.pathsep.join((str(tmp_path), str(Path.cwd())))
    made = ChildProcess("slow", (), {"PYTHONPATH": path}, ready_timeout_s=TIMEOUT_S)
    yield made
    await made.stop()


async def test_a_child_that_says_how_far_it_is_is_waited_for(child: ChildProcess) -> None:
    """A writer that counts a large archive takes longer than the limit."""
    child.arguments = ("slow_child", "5", str(TIMEOUT_S / 4))
    await child.start()
    assert child.facts == {"ready": "slow", "at": "last"}


async def test_a_child_that_says_nothing_is_given_up(child: ChildProcess) -> None:
    """It hangs, and the message names it."""
    child.arguments = ("slow_child", "0", "0")
    with pytest.raises(NovaError, match=r"slow reported neither readiness nor progress for 2 s"):
        await child.start()


async def test_a_child_that_ends_before_it_is_ready_has_failed(child: ChildProcess) -> None:
    """Progress is no excuse."""
    child.arguments = ("slow_child", "x", "0")
    with pytest.raises(NovaError, match=r"slow exited with status 1 before it was ready"):
        await child.start()


async def test_a_busy_child_ends_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    """An orphan within a long step held its lock for minutes."""
    (tmp_path / "busy_child.py").write_text(BUSY)
    path = os.pathsep.join((str(tmp_path), str(Path.cwd())))
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert is_there(child)
        process.kill()
    async with asyncio.timeout(ORPHAN_MAX_S):
        while is_there(child):
            await asyncio.sleep(0.05)


def is_there(process_id: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
