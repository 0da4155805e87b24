"""Mosquitto as a process, with its data in a temporary folder."""

from __future__ import annotations

import getpass
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from nova.testkit.mqtt_broker import wait_until_ready
from nova.testkit.ports import LOOPBACK, free_port
from nova.testkit.process_server import ProcessServer

CONFIGURATION = """# It saves after each fiftieth change, for which a publish waits.
persistence true
autosave_on_changes true
autosave_interval 50
# By default it drops what a client that is away has not got, beyond a thousand messages.
max_queued_messages 0
max_inflight_messages 0
"""
"""What a broker needs for NOVA's promises; also `deploy/mosquitto.conf`."""

_LISTENER = """listener {port} {host}
allow_anonymous true
persistence_location {data}/
user {user}
{more}
"""
SYSTEM_PATH = "/usr/sbin/mosquitto"
"""Where Debian puts it, which is not on everybody's PATH."""


class MosquittoProcess(ProcessServer):
    """`extra_configuration` is appended to the broker's, `configuration` replaces the promises'."""

    name = "mosquitto"
    kind = "mosquitto"

    def __init__(self, extra_configuration: str = "", configuration: str = CONFIGURATION) -> None:
        self._configuration = configuration
        self._extra_configuration = extra_configuration
        super().__init__()

    @property
    def data(self) -> Path:
        """The folder of the file that it saves to."""
        return self.folder / "data"

    def prepare(self) -> None:
        self.data.mkdir(exist_ok=True)
        self._port = free_port()
        self.url = f"mqtt://{LOOPBACK}:{self._port}"

    def command(self) -> Sequence[str]:
        """Write the configuration; returns the command line."""
        own = _LISTENER.format(
            port=self._port,
            host=LOOPBACK,
            data=self.data,
            user=getpass.getuser(),
            more=self._extra_configuration,
        )
        file = self.folder / "mosquitto.conf"
        file.write_text(self._configuration + own)
        return [_find_binary(), "-c", str(file)]

    def wait_until_ready(self, check_alive: Callable[[], None]) -> None:
        """Return when it answers."""
        wait_until_ready(self.url, check_alive)


def _find_binary() -> str:
    found = shutil.which("mosquitto") or shutil.which(SYSTEM_PATH)
    if found is None:
        raise FileNotFoundError("mosquitto not found: install Debian's package mosquitto")
    return found
