"""The servers that all processes of a run share: one of a kind, which does not outlive the run."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.testkit.nats_server import address_of
from tests.shared_servers import RunFolder, shared_server

pytestmark = pytest.mark.nats

DEADLINE_S = 60.0

# A run whose controller waits to be killed, with a server that somebody has asked for.
CONTROLLER = """
import time
from tests.shared_servers import RunFolder, shared_server
run = RunFolder()
print(run.path, flush=True)
print(shared_server("nats", run.path).url, flush=True)
time.sleep(600)
"""


@contextmanager
def run_folder() -> Iterator[RunFolder]:
    run = RunFolder()
    try:
        yield run
    finally:
        run.close()


def answers(url: str) -> bool:
    host, _, port = address_of(url).rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1.0).close()
    except OSError:
        return False
    return True


def test_all_who_ask_at_once_get_one_server_and_it_ends_with_the_run() -> None:
    """Workers of a run start together."""
    with run_folder() as run, ThreadPoolExecutor(3) as threads:
        servers = list(threads.map(lambda _: shared_server("nats", run.path), range(3)))
        (url,) = {server.url for server in servers}
        assert answers(url)
        assert all(server.monitor for server in servers)
    assert not answers(url)
    assert not run.path.exists()


def test_no_test_can_stop_it_for_the_others() -> None:
    """Fault tests have a server of their own."""
    with run_folder() as run:
        server = shared_server("nats", run.path)
        for fault in (server.stop, server.kill):
            with pytest.raises(RuntimeError, match="not the tests' to stop"):
                fault()
        server.close()
        assert answers(server.url)


def test_two_runs_have_a_server_each() -> None:
    """Somebody else's run on the same machine is not ours."""
    with run_folder() as one, run_folder() as other:
        assert shared_server("nats", one.path).url != shared_server("nats", other.path).url


def test_a_server_ends_with_a_run_that_is_killed() -> None:
    """Nobody is left to clean up."""
    command = [sys.executable, "-c", CONTROLLER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as controller:
        assert controller.stdout is not None
        folder = Path(controller.stdout.readline().strip())
        url = controller.stdout.readline().strip()
        assert answers(url)
        controller.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + DEADLINE_S
    while (answers(url) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not answers(url)
    assert not folder.exists()


def test_a_server_that_cannot_start_says_why_to_everybody() -> None:
    """Also to later requests."""
    with run_folder() as run:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="'none' server did not start: KeyError"):
                shared_server("none", run.path)
