"""A server that runs as a child process, on free ports, with its data in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from nova.testkit import child
from nova.testkit.test_server import BackendServer

START_ATTEMPTS_MAX = 3
STOP_GRACE_S = 15.0
LOG_TAIL_CHARS = 3_000


class ProcessServer(BackendServer):
    """One server for the caller alone; it keeps its ports over restarts."""

    name: str
    """Its name in errors and in the name of its log file."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=f"nova-{self.name}-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._has_run = False
        self.prepare()

    @abstractmethod
    def prepare(self) -> None:
        """Choose free ports and create what the server needs to start on them."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The program and its arguments."""

    @abstractmethod
    def wait_until_ready(self, check_alive: Callable[[], None]) -> None:
        """Return when it responds; call `check_alive` repeatedly meanwhile."""

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start or restart on the same ports and data; returns when it responds."""
        for attempt in range(START_ATTEMPTS_MAX):
            try:
                self._launch()
                return
            except ChildProcessError:
                # Another process may have taken a port since it was found free. A server that has
                # run before must come back at its old address, so it does not try other ports.
                if self._has_run or attempt + 1 == START_ATTEMPTS_MAX:
                    raise
                self.prepare()

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL after STOP_GRACE_S."""
        if self._process is not None:
            child.terminate(self._process, STOP_GRACE_S)
            self._process = None

    def suspend(self) -> None:
        """Send SIGSTOP; returns once every thread has stopped, until then it may still respond."""
        assert self._process is not None
        child.suspend(self._process.pid)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Kill it and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _launch(self) -> None:
        with self._log().open("ab") as output:
            self._process = child.spawn(self.command(), output, cwd=self.folder)
        self.wait_until_ready(self._check_alive)
        self._has_run = True

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            tail = self._log().read_text(errors="replace")[-LOG_TAIL_CHARS:]
            raise ChildProcessError(f"{self.name} ended while starting:\n{tail}")

    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"
