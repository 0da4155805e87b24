"""Servers that all processes of a run share: one of a kind, started by whoever needs it first.

The run's controller owns a folder and holds its lock for as long as it lives. A worker that needs a
server starts a guardian, a process apart from all workers, and reads from the folder where the
server is. A guardian ends its server when it gets the controller's lock: at the end of the run, or
when the controller was killed. The server itself ends with its guardian, whatever ends that one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import msgspec

from nova.testkit import kafka, mqtt, nats
from nova.testkit.nats_server import NatsServer
from nova.testkit.test_server import BackendServer, ExternalServer

SERVERS: Mapping[str, Callable[[], AbstractContextManager[BackendServer]]] = {
    "kafka": kafka.shared_broker,
    "mqtt": mqtt.shared_broker,
    "nats": nats.shared_server,
}
STARTED_TIMEOUT_S = 1_200
"""A first start fetches the broker."""

CLOSED_TIMEOUT_S = 60.0
POLL_S = 0.05
LOG_TAIL_CHARS = 3_000


class ServerAddress(msgspec.Struct):
    """Where a server of the run is, or why it has not started."""

    url: str = ""
    kind: str = ""
    monitor: str | None = None
    error: str = ""


class SharedServer(ExternalServer, NatsServer):
    """A server of the run; no test can stop it."""

    def __init__(self, address: ServerAddress) -> None:
        super().__init__(address.url, "the run")
        self.kind = address.kind
        self.monitor = address.monitor


class RunFolder:
    """The controller's side: the folder of the run, whose lock shows that the run is active."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="nova-run-"))
        self._lock = _locked(_run_lock(self.path))

    def close(self) -> None:
        """Let the guardians end their servers, wait for that, and remove the folder."""
        self._lock.close()
        deadline = time.monotonic() + CLOSED_TIMEOUT_S
        while any(self.path.glob("*.address")) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        shutil.rmtree(self.path, ignore_errors=True)


def shared_server(name: str, folder: Path) -> SharedServer:
    """The run's server of this kind, started if need be; raises RuntimeError if it cannot start."""
    found = folder / f"{name}.address"
    with _locked(folder / f"{name}.lock"):
        if not found.exists():
            _start_guardian(name, folder)
    address = msgspec.json.decode(found.read_bytes(), type=ServerAddress)
    if address.error:
        raise RuntimeError(f"the run's {name!r} server did not start: {address.error}")
    return SharedServer(address)


def _start_guardian(name: str, folder: Path) -> None:
    """Leave a guardian behind; returns once it has published an address."""
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "tests.shared_servers", name, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=STARTED_TIMEOUT_S,
        )
    if done.returncode != 0:
        tail = log.read_text(errors="replace")[-LOG_TAIL_CHARS:]
        raise RuntimeError(f"the guardian of the run's {name} server ended:\n{tail}")


def _run_lock(folder: Path) -> Path:
    return folder / "run.lock"


def _locked(path: Path) -> IO[bytes]:
    """A file with its lock; closing it, or the end of the process, gives the lock back."""
    file = path.open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def keep(name: str, folder: Path) -> None:
    """Run a server until the run ends."""
    with _address_file(folder / f"{name}.address") as publish:
        try:
            with SERVERS[name]() as server:
                publish(ServerAddress(server.url, server.kind, getattr(server, "monitor", None)))
                _locked(_run_lock(folder)).close()
        except Exception as error:
            publish(ServerAddress(error=f"{type(error).__name__}: {error}"))
            _locked(_run_lock(folder)).close()
    if not any(folder.glob("*.address")):  # A controller that was killed leaves it to us.
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _address_file(path: Path) -> Iterator[Callable[[ServerAddress], None]]:
    """Something that publishes an address, whole or not at all; it is gone after the block."""

    def publish(address: ServerAddress) -> None:
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(msgspec.json.encode(address))
        unfinished.rename(path)

    try:
        yield publish
    finally:
        path.unlink(missing_ok=True)


def main(name: str, folder: Path) -> int:
    """Start a guardian in the background; returns when the server has started or has failed to."""
    guardian = os.fork()
    if guardian == 0:
        # A session of its own: an interrupt at the terminal ends the run, and the run ends this.
        os.setsid()
        keep(name, folder)
        return 0
    while not (folder / f"{name}.address").exists():
        if os.waitpid(guardian, os.WNOHANG) != (0, 0):
            raise SystemExit(f"the guardian of the {name} server ended while it started")
        time.sleep(POLL_S)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
