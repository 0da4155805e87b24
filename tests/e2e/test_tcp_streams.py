"""TCP streams of a running NOVA, set up by command and read with plain sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from nova.edge.edge_config import FOLDER_NAME
from nova.edge.streams_command import streams as streams_command
from nova.edge.tcp_stream_lock import LockHolder, lock_holder
from nova.sdk import BlockingProducer, Entity
from nova.testkit.ports import free_port
from nova.testkit.running_nova import RunningNova, running_nova
from tests.examples.installed import EXAMPLES

RADIO = Entity("radio", "rx", "a")
ENTITY = ("--scopes", "sat", "--system", "radio", "--container", "rx", "--unique", "a")
WAIT_S = 30.0
POLL_S = 0.05


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    with running_nova(tmp_path_factory.mktemp("tcp") / "data", "--scope", "sat") as running:
        yield running
        running.kill()


def streams(nova: RunningNova, *arguments: object) -> str:
    """What `nova streams` says, in the data folder."""
    words = [*map(str, arguments), "--data", str(nova.data)]
    result = CliRunner().invoke(streams_command, words)
    assert result.exit_code == 0, result.exception
    return result.stderr


def add(nova: RunningNova, name: str, *options: str) -> int:
    """The port of a new stream."""
    port = free_port()
    streams(nova, "add", name, "--port", port, *options)
    return port


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A client, as soon as somebody listens; it waits for a while and no longer."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(POLL_S)
        else:
            break
    with client:
        yield client


def publish(nova: RunningNova, payload: bytes) -> None:
    """One raw frame of the radio."""
    with BlockingProducer(nova.publish, "sat") as producer:
        assert producer.send([producer.observe(RADIO).raw(payload)]).new == 1


def until_read(nova: RunningNova, client: socket.socket, payload: bytes) -> bytes:
    """What a client gets first: publish until it gets something, since a stream begins at the
    present.
    """
    client.settimeout(0.3)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        publish(nova, payload)
        with contextlib.suppress(TimeoutError):
            return client.recv(65_536)
    raise AssertionError("nothing came")


def test_lines_are_read_as_by_nc(nova: RunningNova) -> None:
    """Whatever the client sends is ignored."""
    port = add(nova, "lines", *ENTITY, "--with-address")
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        line: dict[str, Any] = json.loads(until_read(nova, client, b"\x01\n").splitlines()[0])
    assert {**line, "t": ""} == {
        **{"s": "radio", "c": "rx", "u": "a", "t": "", "p": "AQo="},
        **{"scope": "sat", "l": "raw", "m": ""},
    }


def test_the_example_reads_framed_payloads(nova: RunningNova) -> None:
    """The reader that the page shows."""
    port = add(nova, "framed", *ENTITY, "--format", "payloadOnly", "--framing", "length4")
    with connected(port):
        pass
    command = [sys.executable, str(EXAMPLES / "tcp_reader.py"), "127.0.0.1", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        os.set_blocking(reader.stdout.fileno(), False)
        deadline = time.monotonic() + WAIT_S
        line = b""
        while not line and time.monotonic() < deadline:
            publish(nova, b"\x00\x01\xfe")
            time.sleep(POLL_S)
            line = reader.stdout.readline()
        reader.kill()
    assert line == b"3 bytes: 00 01 fe\n"


def test_another_edge_takes_over(nova: RunningNova) -> None:
    """One serves, and the others say which; when it is killed, one of the others listens."""
    port = add(nova, "shared", *ENTITY)
    edge = [sys.executable, "-m", "nova.cli", "edge", "--data", str(nova.data)]
    listen = ["--listen", "127.0.0.1:0", "--exit-with-stdin"]
    with subprocess.Popen([*edge, *listen], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and b"ready" in other.stdout.readline()
        first = holder(nova)
        assert first.pid == nova.child("edge") and str(first) in streams(nova, "list")
        os.kill(first.pid, signal.SIGKILL)
        while (found := lock_holder(nova.data / FOLDER_NAME)) is None or found.pid == first.pid:
            time.sleep(POLL_S)
        with connected(port) as client:
            assert json.loads(until_read(nova, client, b"\x02").splitlines()[0])["p"] == "Ag=="
        assert other.stdin is not None
        other.stdin.close()


def holder(nova: RunningNova) -> LockHolder:
    """The edge that serves the streams, once one does."""
    deadline = time.monotonic() + WAIT_S
    while (found := lock_holder(nova.data / FOLDER_NAME)) is None:
        assert time.monotonic() < deadline
        time.sleep(POLL_S)
    return found
