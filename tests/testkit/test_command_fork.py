"""Commands that are forked: like interpreters of their own, to whoever starts and looks at them."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from nova.sdk.worker_process import start_process
from nova.testkit.command_fork import CommandFork, ForkedCommand, start_command, start_worker
from nova.testkit.running_nova import nova_command

READS = "eventid"
"""A command that reads its stdin to the end."""

CUT_SHORT = 1
"""The status of a command that has noticed Ctrl-C."""

PARENT = f"""
import os, sys
from nova.testkit.command_fork import start_command
command = start_command("{READS}", environment=os.environ)
print(command.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def reading() -> ForkedCommand:
    """A command that runs until its stdin closes."""
    command = start_command(READS, environment=os.environ)
    assert isinstance(command, ForkedCommand)
    return command


@pytest.mark.parametrize(
    ("arguments", "variables", "stdin"),
    [
        (("--version",), {}, b""),
        ((READS,), {}, b'{"lane":"parsed"}\n' * 40_000),
        (("query",), {"NOVA_DATA": "/nowhere"}, b""),
        (("up", "--nonsense"), {}, b""),
    ],
)
def test_it_does_what_an_executed_one_does(
    arguments: tuple[str, ...], variables: dict[str, str], stdin: bytes
) -> None:
    """With more input and output than a pipe holds, settings of the environment, and errors."""
    executed = subprocess.run(
        [sys.executable, "-m", "nova.cli", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, **variables},
    )
    forked = nova_command(*arguments, stdin=stdin, **variables)
    assert forked.returncode == executed.returncode
    assert (forked.stdout, forked.stderr) == (executed.stdout, executed.stderr)


def test_it_has_the_folder_umask_streams_and_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else of the process that has forked it."""
    monkeypatch.chdir(tmp_path)
    former = os.umask(0o027)
    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:
        stack.callback(os.umask, former)
        command = start_command(READS, environment=os.environ, stderr=log)
        stack.enter_context(command)
        place = Path(f"/proc/{command.pid}")
        while os.readlink(place / "cwd") != str(tmp_path):
            time.sleep(0.001)
        assert (place / "cmdline").read_bytes().rstrip(b"\0") == f"nova {READS}".encode()
        assert "Umask:\t0027" in (place / "status").read_text()
        while {entry.name for entry in (place / "fd").iterdir()} != {"0", "1", "2"}:
            time.sleep(0.001)  # Python may be opening a module.
        assert os.readlink(place / "fd" / "2") == str(tmp_path / "log")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_signals_end_it(reading: ForkedCommand, number: int) -> None:
    """Its status says which; until then it runs."""
    with reading:
        assert reading.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            reading.wait(0.001)
        while reading.poll() is None:  # Python may be about to read, and see Ctrl-C after that.
            reading.send_signal(number)
            time.sleep(0.01)
        status = reading.wait()
    assert status == reading.returncode == reading.poll()
    assert status in (-number, CUT_SHORT)
    reading.kill()


def test_a_worker_leads_a_group(tmp_path: Path) -> None:
    """As one that is executed: whoever ends it ends what it has started."""
    arguments = ["nova.cli", "core", "range-worker", "--data", str(tmp_path)]
    for start, kind in ((start_process, subprocess.Popen), (start_worker, ForkedCommand)):
        worker = start(arguments, os.environ)
        assert isinstance(worker, kind)
        assert os.getpgid(worker.pid) == worker.pid
        with worker:
            os.killpg(worker.pid, signal.SIGKILL)
        assert worker.wait() == -signal.SIGKILL


def test_it_is_executed_where_its_interpreter_would_differ() -> None:
    """A variable of Python's own is read before anything is imported."""
    variables = {**os.environ, "PYTHONUTF8": "1"}
    with start_command(READS, environment=variables) as command:
        assert isinstance(command, subprocess.Popen)


def test_its_interpreter_is_that_of_the_start_of_the_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the test has set that was the first to start a command."""
    ours = dict(os.environ)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    fork = CommandFork()
    try:
        with fork.start([READS], ours, None) as command:
            variables = Path(f"/proc/{parent_of(command.pid)}/environ").read_bytes().split(b"\0")
    finally:
        fork.close()
    assert b"PYTHONPATH=/nowhere" not in variables


def parent_of(number: int) -> int:
    return int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])


def test_nothing_is_left_of_a_process_that_is_killed() -> None:
    """Its commands lose their stdin, and what forked them its socket."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        command = int(parent.stdout.readline())
        descriptors = [os.pidfd_open(number) for number in (command, parent_of(command))]
        parent.kill()
    for descriptor in descriptors:
        assert select.select([descriptor], [], [])
        os.close(descriptor)
