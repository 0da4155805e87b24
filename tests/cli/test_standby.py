"""Processes that are forked ahead: like new interpreters, to all who look at them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nova.sdk.errors import NovaError
from nova.testkit.running_nova import RunningNova, running_nova

NAMES = ("writer", "reader", "sampler", "edge", "files", "alarms")
RULES = """
[[rules]]
ruleId = "voltage"
title = "Voltage"
lane = "ui"
viewId = "battery"
field = "voltage"
ranges.severe = { high = 30 }
"""
SECRET = "a-secret-of-the-environment"

WAITING = """
import os, sys, threading
from nova.cli.standby import standby_processes

if "thread" in sys.argv:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
with standby_processes({"a": ("json",), "b": sys.argv[1:2]}) as standby:
    print(*(one.process_id for one in standby.values()), flush=True)
    sys.stdin.read()
print("went on", flush=True)
"""
REPLACED = """
import asyncio, os, signal
from nova.cli.standby import standby_processes
from nova.cli.child_process import ChildProcess

async def started(child):
    await child.start()
    print(child.facts["data"], flush=True)
    await child.stop()

with standby_processes({"writer": ()}) as standby:
    os.kill(standby["writer"].process_id, signal.SIGKILL)
    os.waitid(os.P_PID, standby["writer"].process_id, os.WEXITED | os.WNOWAIT)
    command = ("nova.cli", "core", "writer")
    asyncio.run(started(ChildProcess("writer", command, standby=standby["writer"])))
"""
STARTED = """
import os, time
from nova.cli.standby import ProcessOrder, standby_processes
from nova.cli.standby_command import StandbyCommand
from nova.sdk import process_metrics

try:
    with standby_processes({"a": ("json",)}) as standby:
        order = ProcessOrder([str(time.time_ns())], dict(os.environ))
        standby["a"].begin(order, 0, 1, 2)
        os.waitpid(standby["a"].process_id, 0)
except StandbyCommand as command:
    print(process_metrics.started_s * 1e9 >= int(command.arguments[0]))
"""


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """One with daily files and rules of alarms, whose environment has a secret."""
    rules = tmp_path_factory.mktemp("rules")
    (rules / "voltage.toml").write_text(RULES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOVA_DRIVERS", "jsonl")
        patch.setenv("NOVA_METRICS_TOKEN", SECRET)
        patch.setenv("NOVA_ALARM_RULES", str(rules))
        data = tmp_path_factory.mktemp("ahead") / "data"
        with running_nova(data, "--scope", "sat", may_fork=False) as running:
            yield running
            running.kill()


def open_files(process_id: int) -> dict[str, str]:
    """What each descriptor of a process is."""
    folder = Path(f"/proc/{process_id}/fd")
    return {entry.name: os.readlink(entry) for entry in folder.iterdir() if entry.exists()}


def test_a_forked_process_has_its_own_name_session_pipes_and_no_secret(nova: RunningNova) -> None:
    """As if it had been executed: `ps` shows its command, and none holds the pipes of another, or
    it would live on when their supervisor closes them.
    """
    children = {name: begun_child(nova, name) for name in NAMES}
    pipes = {pid: (open_files(pid)["0"], open_files(pid)["1"]) for pid in children.values()}
    assert len({pipe for both in pipes.values() for pipe in both}) == 2 * len(children)
    for name, pid in children.items():
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode()
        assert command.startswith("nova ") and f" {name} --data {nova.data}" in command
        assert os.getsid(pid) == pid
        assert SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
        others = {pipe for other, both in pipes.items() if other != pid for pipe in both}
        assert not others & set(open_files(pid).values())


def test_a_forked_process_that_is_killed_is_replaced_by_a_new_interpreter(
    nova: RunningNova,
) -> None:
    """Its parent has threads and connections by then, and must not fork."""
    before = nova.child("files")
    os.kill(before, signal.SIGKILL)
    while (now := child_of(nova, "files")) in (None, before):
        time.sleep(0.05)
    assert b"-m\0nova.cli\0core\0files\0" in Path(f"/proc/{now}/cmdline").read_bytes()


def begun_child(nova: RunningNova, name: str) -> int:
    """The process id of a child, once there is one."""
    while (found := child_of(nova, name)) is None:
        time.sleep(0.05)
    return found


def child_of(nova: RunningNova, name: str) -> int | None:
    """The process id of a child, None while there is none."""
    try:
        return nova.child(name)
    except NovaError:
        return None


def waiting(*arguments: str) -> tuple[subprocess.Popen[bytes], list[int]]:
    """A process that has forked, and the processes that wait."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WAITING, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    return process, [int(word) for word in process.stdout.readline().split()]


@pytest.mark.parametrize("arguments", [("json", "thread"), ("nova.nowhere",)])
def test_nothing_is_forked_of_threads_or_where_a_module_is_missing(
    arguments: tuple[str, ...],
) -> None:
    """A lock that another thread holds would stay locked; and the process that needs the module
    says what to install.
    """
    process, forked = waiting(*arguments)
    assert process.communicate()[0] == b"went on\n" and forked == []


@pytest.mark.parametrize("end", ["without a command", "killed"])
def test_processes_that_wait_end_with_their_parent_or_without_a_command(end: str) -> None:
    """Nothing is left of what was forked for nothing."""
    process, forked = waiting("json")
    assert len(forked) == 2
    descriptors = [os.pidfd_open(pid) for pid in forked]
    if end == "killed":
        process.kill()
    rest, _ = process.communicate()
    assert rest == (b"" if end == "killed" else b"went on\n")
    for descriptor in descriptors:
        wait_for_end(descriptor)


def wait_for_end(descriptor: int) -> None:
    """Wait until a process has ended, by its descriptor."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll()
    os.close(descriptor)


def test_a_process_that_is_killed_while_it_waits_is_replaced(tmp_path: Path) -> None:
    """By a new interpreter; the start continues."""
    archive = tmp_path / "data"
    done = subprocess.run(
        [sys.executable, "-P", "-c", REPLACED],
        env={**os.environ, "NOVA_DATA": str(archive), "NOVA_SCOPE": "sat"},
        capture_output=True,
    )
    assert done.stdout.decode() == f"{archive}\n", done.stderr


def test_a_process_that_waited_counts_as_started_when_it_began_its_command() -> None:
    """One that judges alarms may wait until there is a rule."""
    done = subprocess.run([sys.executable, "-P", "-c", STARTED], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
