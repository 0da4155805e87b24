"""Starting processes: a child may take its time as long as it reports progress."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nova.cli.child_process import ChildProcess
from nova.cli.supervisor import Supervisor
from nova.sdk.errors import NovaError

SUPERVISED = """
import asyncio, sys
from nova.cli.child_process import ChildProcess
from nova.cli.supervisor import Supervisor

async def main():
    child = ChildProcess("busy", (sys.argv[1],))
    supervisor = Supervisor([child], hung_after_s=2, hung_restart_s=2)
    await supervisor.start()
    print(child.process.pid, flush=True)
    await supervisor.watch(asyncio.Event())

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
STEP = """
import asyncio, pathlib, sys, time
from nova.sdk import lifecycle
from nova.sdk.process_heartbeat import busy_with

def blocked():
    once = pathlib.Path(__file__).with_suffix(".blocked")
    if not once.exists():
        once.touch()
        time.sleep(60)

def working():
    with busy_with("counting"):
        until = time.monotonic() + 6
        while time.monotonic() < until:
            pass

async def main():
    stop = lifecycle.stop_event(exit_with_stdin=True)
    lifecycle.print_ready("step")
    await asyncio.sleep(1.5)
    {"blocked": blocked, "working": working}.get(sys.argv[1], int)()
    await stop.wait()

asyncio.run(main())
"""
DRAINING = """
import asyncio
from nova.sdk import lifecycle

async def main():
    stop = lifecycle.stop_event(exit_with_stdin=True)
    lifecycle.print_ready("draining")
    await stop.wait()
    await lifecycle.drain(asyncio.sleep(600), stop, 600)

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
        [sys.executable, "-c", SUPERVISED, "busy_child"],
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


async def test_a_hung_child_is_told_and_restarted_and_a_busy_one_is_not(tmp_path: Path) -> None:
    """Its event loop is blocked: it may hold what others wait for. A long step that it announced is
    no reason.
    """
    (tmp_path / "step_child.py").write_text(STEP)
    path = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path.cwd())))}
    blocked = ChildProcess("blocked", ("step_child", "blocked"), path)
    working = ChildProcess("working", ("step_child", "working"), path)
    supervisor = Supervisor([blocked, working], hung_after_s=2, hung_restart_s=3)
    seen: list[tuple[str, str, str | None]] = []
    supervisor.health.subscribe(
        lambda: seen.extend((p.name, p.state, p.busy) for p in supervisor.health.processes())
    )
    await supervisor.start()
    assert blocked.process is not None and working.process is not None
    before, same = blocked.process.pid, working.process.pid
    stop = asyncio.Event()
    watching = asyncio.create_task(supervisor.watch(stop))
    async with asyncio.timeout(ORPHAN_MAX_S):
        while not (is_ready(supervisor, "blocked") and blocked.restarts):
            await asyncio.sleep(0.05)
        while not is_ready(supervisor, "working") or ("working", "ready", "counting") not in seen:
            await asyncio.sleep(0.05)
    assert blocked.process.pid != before and not is_there(before)
    assert ("blocked", "hung", None) in seen
    assert working.process.pid == same and working.restarts == 0
    assert ("working", "hung", "counting") not in seen
    stop.set()
    await watching
    await supervisor.stop()
    assert supervisor.health.state == "stopping"


STUCK = """
import asyncio, os, pathlib, signal, sys
from nova.sdk import lifecycle

async def main():
    stop = lifecycle.stop_event(exit_with_stdin=True)
    once = pathlib.Path(__file__).with_suffix(".stuck")
    if not once.exists():
        once.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    lifecycle.print_ready("stuck")
    await stop.wait()

asyncio.run(main())
"""


async def test_a_child_that_hangs_while_it_starts_is_told_and_restarted(tmp_path: Path) -> None:
    """Long before the time in which it has to be ready."""
    (tmp_path / "stuck_child.py").write_text(STUCK)
    path = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path.cwd())))}
    child = ChildProcess("stuck", ("stuck_child",), path, is_awaited=False)
    supervisor = Supervisor([child], hung_after_s=1, hung_restart_s=2)
    seen: list[str] = []
    supervisor.health.subscribe(lambda: seen.append(supervisor.health.state_of("stuck")))
    await supervisor.start()
    watching = asyncio.create_task(supervisor.watch(stop := asyncio.Event()))
    async with asyncio.timeout(ORPHAN_MAX_S):
        while not is_ready(supervisor, "stuck"):
            await asyncio.sleep(0.05)
    stop.set()
    await watching
    await supervisor.stop()
    assert child.restarts == 1
    states = [one for one, before in zip(seen, ["", *seen], strict=False) if one != before]
    assert states[:4] == ["starting", "hung", "restarting", "starting"]


async def test_the_very_first_start_is_repeated_if_it_hangs(tmp_path: Path) -> None:
    """NOVA waits for this child, and starts with its second process."""
    (tmp_path / "stuck_child.py").write_text(STUCK)
    path = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path.cwd())))}
    child = ChildProcess("stuck", ("stuck_child",), path)
    supervisor = Supervisor([child], hung_after_s=1, hung_restart_s=2)
    await supervisor.start()
    assert (child.restarts, is_ready(supervisor, "stuck")) == (1, True)
    await supervisor.stop()


EARLY = """
import asyncio, os, pathlib, sys
from nova.sdk import lifecycle

async def main():
    stop = lifecycle.stop_event(exit_with_stdin=True)
    lifecycle.print_ready("early")
    once = pathlib.Path(__file__).with_suffix(".once")
    if once.exists():
        once.with_suffix(".again").touch()
    else:
        once.touch()
        await asyncio.sleep(0.5)
        os.kill(os.getpid(), int(sys.argv[1]))
    await stop.wait()

asyncio.run(main())
"""
LATE = """
import pathlib, sys, time
from nova.sdk import lifecycle
needed = pathlib.Path(__file__).with_name("early_child.again")
for _ in range(20):
    if needed.exists():
        lifecycle.print_ready("late")
        sys.stdin.read()
        sys.exit()
    time.sleep(0.1)
sys.exit("early does not answer")
"""


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_ready_child_is_watched_while_others_start_first(
    tmp_path: Path, fault: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    """The one that needs it fails meanwhile, which is no reason to end NOVA."""
    (tmp_path / "early_child.py").write_text(EARLY)
    (tmp_path / "late_child.py").write_text(LATE)
    path = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path.cwd())))}
    early = ChildProcess("early", ("early_child", str(int(fault))), path)
    late = ChildProcess("late", ("late_child",), path)
    supervisor = Supervisor([early, late], hung_after_s=1, hung_restart_s=3)
    async with asyncio.timeout(ORPHAN_MAX_S):
        await supervisor.start()
    assert early.restarts == 1 and early.is_running
    assert is_ready(supervisor, "early") and is_ready(supervisor, "late")
    assert ("a process hangs" in caplog.text) == (fault == signal.SIGSTOP)
    await supervisor.stop()
    assert not any(one.is_running for one in (early, late))


async def test_a_failed_start_waits_for_nobody(
    child: ChildProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One that drains for long is cut when another one fails."""
    (tmp_path / "draining_child.py").write_text(DRAINING)
    draining = ChildProcess("draining", ("draining_child",), child.environment)
    child.arguments = ("slow_child", "0", "0.1")
    supervisor = Supervisor([draining, child], drain_s=ORPHAN_MAX_S * 10)
    with pytest.raises(NovaError, match="slow"):
        async with asyncio.timeout(ORPHAN_MAX_S):
            await supervisor.start()
    assert not draining.is_running and "killed" not in caplog.text


async def test_a_machine_that_was_suspended_restarts_nothing(tmp_path: Path) -> None:
    """Nothing could send a heartbeat meanwhile, nor could anybody have received one."""
    (tmp_path / "step_child.py").write_text(STEP)
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, "step_child"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(Path.cwd())))},
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        for number in (process.pid, child):
            os.kill(number, signal.SIGSTOP)
        await asyncio.sleep(4)
        for number in (child, process.pid):
            os.kill(number, signal.SIGCONT)
        await asyncio.sleep(1.5)
        is_same = is_there(child)
        process.kill()
    assert is_same


def is_ready(supervisor: Supervisor, name: str) -> bool:
    """Whether a child is ready and answers."""
    return supervisor.health.state_of(name) == "ready"


def is_there(process_id: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # It may end while this is read.
        return False
    return state != "Z"


async def test_a_child_is_not_started_before_what_it_needs_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "early_child.py").write_text(EARLY)
    (tmp_path / "early_child.once").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    needed = tmp_path / "needed"
    child = ChildProcess("early", ("early_child", "0"), is_awaited=False, needs=needed)
    supervisor = Supervisor([child])
    await supervisor.start()
    await asyncio.sleep(1)
    assert (child.process, supervisor.health.processes()) == (None, [])
    needed.touch()
    async with asyncio.timeout(30):
        while [one.state for one in supervisor.health.processes()] != ["ready"]:
            await asyncio.sleep(0.05)
    await supervisor.stop()
    unneeded = Supervisor(
        [ChildProcess("early", ("early_child",), is_awaited=False, needs=tmp_path / "no")]
    )
    await unneeded.start()
    await unneeded.stop()
