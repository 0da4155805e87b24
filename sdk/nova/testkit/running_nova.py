"""A real NOVA for tests: `nova up` on a free port in its own folder, stopped with the test.

with running_nova(tmp_path / "data", "--scope", "sat") as nova:
    receipt = await connect(nova.publish).publish(records)
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from nova.sdk.errors import NovaError
from nova.testkit.command_fork import CommandProcess, start_command

PASSWORD = "only-for-tests"
"""Password of the user `admin` of a NOVA that tests start."""

STOP_TIMEOUT_S = 40
POLL_S = 0.02
COMMAND_TIMEOUT_S = 170
FREE_PORT = ("--listen", "127.0.0.1:0", "--json", "--exit-with-stdin")


@dataclass
class RunningNova:
    """A running NOVA. It holds a pipe of this process and so ends with it."""

    process: CommandProcess
    data: Path
    url: str
    publish: str

    def child(self, name: str) -> int:
        """The process id of its `writer`, `reader`, `sampler` or `edge` (Linux only)."""
        for number in self._children():
            # One that the supervisor has just ended is passed over.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                command = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ")
                if name.encode() in command.split():
                    return number
        raise NovaError(f"this NOVA has no child process {name!r}")

    def kill(self) -> None:
        """End it at once, for whoever needs nothing of it any more; returns when all of its
        processes have ended (Linux only).

        An orderly stop waits for processes of the lowest priority, which get little of a machine
        that is busy.
        """
        children = self._children()
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while any(map(_is_running, children)):
            if time.monotonic() > deadline:
                raise NovaError(f"processes of a killed NOVA are still running: {children}")
            time.sleep(POLL_S)

    def stop(self) -> int:
        """Stop it with SIGTERM; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_TIMEOUT_S)

    def _children(self) -> list[int]:
        try:
            found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        except FileNotFoundError:
            return []  # It has ended, and they with it.
        return [int(number) for number in found.split()]


def _is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@contextmanager
def running_nova(
    data: Path,
    *arguments: str,
    command: str = "up",
    log: IO[bytes] | None = None,
    may_fork: bool = True,
) -> Iterator[RunningNova]:
    """A NOVA that is ready while the block runs; raises NovaError if it does not start. Its log
    goes to `log`, or to stderr. It is forked, which saves most of the time that it needs to start,
    unless it should have an interpreter of its own.
    """
    folder = ("--data", str(data)) if command == "up" else ()
    environment = {**os.environ, "NOVA_ADMIN_PASSWORD": PASSWORD}
    process = start_command(
        command,
        *folder,
        *FREE_PORT,
        *arguments,
        environment=environment,
        stderr=log,
        may_fork=may_fork,
    )
    with process:
        try:
            yield _wait_until_ready(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(STOP_TIMEOUT_S)


def _wait_until_ready(process: CommandProcess) -> RunningNova:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise NovaError(
            f"nova exited with status {process.wait()} before it was ready; see its log"
        )
    facts = msgspec.json.decode(line, type=dict[str, str])
    return RunningNova(process, Path(facts["data"]), facts["url"], facts["publish"])


def nova_command(
    *arguments: str, stdin: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run one `nova` command to its end, with additional environment variables."""
    environment = {**os.environ, **variables}
    with start_command(*arguments, environment=environment, stderr=subprocess.PIPE) as process:
        stdout, stderr = process.communicate(stdin, COMMAND_TIMEOUT_S)
    assert process.returncode is not None
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)
