"""Children that do not outlive the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from nova.testkit import child

DEADLINE_S = 30.0

# Starts a sleeping child, prints its process id and waits.
PARENT = """
import sys, time
from nova.testkit import child
with open(sys.argv[1], "wb") as output:
    process = child.spawn(["sleep", "600"], output)
print(process.pid, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Nothing that a test starts outlives it, even when nobody is left to clean up."""
    command = [sys.executable, "-c", PARENT, str(tmp_path / "output")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + DEADLINE_S
        while is_running(pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not is_running(pid)


def test_a_child_is_the_program_itself_and_its_output_is_kept(tmp_path: Path) -> None:
    """Signals reach the program, not a wrapper."""
    log = tmp_path / "output"
    with log.open("wb") as output:
        process = child.spawn(["sh", "-c", "echo $$; pwd; echo bad >&2"], output, cwd=tmp_path)
        assert process.wait(DEADLINE_S) == 0
    assert log.read_text().splitlines() == [str(process.pid), str(tmp_path), "bad"]


def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    """SIGTERM first, SIGKILL when the grace is over."""
    log = tmp_path / "output"
    with log.open("wb") as output:
        deaf = child.spawn(
            ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"], output
        )
        polite = child.spawn(["sleep", "600"], output)
    while log.read_text() != "deaf\n":
        assert deaf.poll() is None
    assert child.terminate(polite, grace_s=DEADLINE_S) == -signal.SIGTERM
    assert child.terminate(deaf, grace_s=0.05) == -signal.SIGKILL
    assert child.terminate(deaf, grace_s=0.05) == -signal.SIGKILL


def test_a_child_whose_parent_is_gone_does_not_start(tmp_path: Path) -> None:
    """The parent may die between the start and the request for the signal."""
    marker = tmp_path / "started"
    command = [sys.executable, child.__file__, str(os.getpid() + 1), "touch", str(marker)]
    assert subprocess.run(command, capture_output=True).returncode != 0
    assert not marker.exists()
