"""`nova edge` as a process: ready line, first admin, clean end (A-270, AMB-63)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from nova.edge.session_reply import LoginReply
from nova.sdk.protocol.messages import Auth, Authenticated
from nova.testkit.command_fork import CommandProcess, start_command
from tests.edge.server import EdgeClient

READY_WAIT_S = 30


def answered(url: str, host: str) -> int:
    """The status that an edge gives to one name."""
    asked = urllib.request.Request(f"{url}/healthz", headers={"Host": host})
    try:
        with urllib.request.urlopen(asked) as reply:
            status: int = reply.status
            return status
    except urllib.error.HTTPError as refused:
        return refused.code


class Ready(msgspec.Struct, forbid_unknown_fields=True):
    """The one line on stdout."""

    ready: str
    url: str
    first_password_file: str | None = msgspec.field(default=None, name="firstPasswordFile")


@contextmanager
def process(
    data: Path,
    *options: str,
    password: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> Iterator[tuple[CommandProcess, str]]:
    """A running `nova edge` and its URL; it does not outlive the block."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NOVA_")}
    if password is not None:
        environment["NOVA_ADMIN_PASSWORD"] = password
    environment |= variables or {}
    child = start_command(
        *("edge", "--data", str(data), "--listen", "127.0.0.1:0", *options),
        environment=environment,
        stderr=subprocess.PIPE,
    )
    with child:
        try:
            assert child.stdout is not None
            line = child.stdout.readline()
            if not line:
                _, stderr = child.communicate(timeout=READY_WAIT_S)
                pytest.fail(f"the edge did not become ready:\n{stderr.decode()}")
            ready = msgspec.json.decode(line, type=Ready)
            assert ready.ready == "edge"
            yield child, ready.url
        finally:
            child.kill()


async def login(url: str, password: str) -> str | None:
    """A token of the admin, None where the password is wrong."""
    async with aiohttp.ClientSession() as http:
        body = msgspec.json.encode({"username": "admin", "password": password})
        async with http.post(f"{url}/auth/login", data=body) as reply:
            text = await reply.read()
    return msgspec.json.decode(text, type=LoginReply).token if reply.status == 200 else None


async def test_the_first_start_makes_a_password_once(tmp_path: Path) -> None:
    """It opens the door, and is in a private file, because stderr is a log here."""
    file = tmp_path / "edge" / "first-password"
    with process(tmp_path) as (child, url):
        password = file.read_text().strip()
        assert len(password) >= 40 and file.stat().st_mode & 0o777 == 0o600
        assert await login(url, password)
        child.send_signal(signal.SIGTERM)
        assert password.encode() not in b"".join(child.communicate(timeout=READY_WAIT_S))
        assert child.returncode == 0
    file.unlink()
    with process(tmp_path) as (_, url):
        assert await login(url, password)
        assert not file.exists()


def test_a_terminal_shows_the_first_password(tmp_path: Path) -> None:
    """Of a whole instance too, whose edge has no terminal; nothing stays in a file."""
    command = (sys.executable, "-m", "nova.cli", "up", "--data", str(tmp_path), "--ground")
    environment = {k: v for k, v in os.environ.items() if k != "NOVA_ADMIN_PASSWORD"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as child:
        os.close(theirs)
        assert child.stdout is not None and b"NOVA is ready" in child.stdout.readline()
        child.kill()
        shown = b""
        with contextlib.suppress(OSError):  # The end of a terminal.
            while part := os.read(ours, 65_536):
                shown += part
    os.close(ours)
    found = re.search(rb"admin password: (\S{40,})   \(user admin; keep it", shown)
    assert found, shown
    assert not (tmp_path / "edge" / "first-password").exists()


async def test_the_password_may_come_from_the_environment(tmp_path: Path) -> None:
    """It is not printed, and a later one changes nothing."""
    with process(tmp_path, password="the first password") as (child, url):
        assert await login(url, "the first password")
        child.send_signal(signal.SIGTERM)
        assert b"first" not in child.communicate(timeout=READY_WAIT_S)[1]
    with process(tmp_path, password="the second password") as (child, url):
        assert await login(url, "the second password") is None
        assert await login(url, "the first password")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Open sockets are closed with `going away`, the exit status is 0."""
    with process(tmp_path, password="a long password") as (child, url):
        token = await login(url, "a long password")
        assert token is not None
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/ws") as ws:
            client = EdgeClient(ws)
            await client.send(Auth(token=token))
            assert isinstance(await client.receive(), Authenticated)
            child.send_signal(number)
            assert await client.close_code() == aiohttp.WSCloseCode.GOING_AWAY
        stdout, stderr = await asyncio.to_thread(child.communicate, None, READY_WAIT_S)
        assert child.returncode == 0, stderr
        assert stdout == b""
        assert b"Traceback" not in stderr and b"Fatal" not in stderr


def test_it_ends_with_its_parent_if_asked_to(tmp_path: Path) -> None:
    """The end of stdin ends it, so that nothing outlives a supervisor."""
    with process(tmp_path, "--exit-with-stdin", password="a long password") as (child, _):
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(READY_WAIT_S) == 0


def test_a_signal_ends_it_while_its_parent_still_holds_stdin(tmp_path: Path) -> None:
    """The watch on stdin does not disturb the end."""
    with process(tmp_path, "--exit-with-stdin", password="a long password") as (child, _):
        child.send_signal(signal.SIGTERM)
        assert child.wait(READY_WAIT_S) == 0
        assert child.stderr is not None
        assert b"Fatal" not in child.stderr.read()


def run(data: Path, *options: str, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """`nova edge` run to its end."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NOVA_")}
    if password is not None:
        environment["NOVA_ADMIN_PASSWORD"] = password
    command = ("edge", "--data", str(data), *options)
    with start_command(*command, environment=environment, stderr=subprocess.PIPE) as child:
        stdout, stderr = child.communicate(timeout=READY_WAIT_S)
    assert child.returncode is not None
    return subprocess.CompletedProcess(command, child.returncode, stdout.decode(), stderr.decode())


def test_a_taken_port_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """One line, no stack trace."""
    with process(tmp_path, password="a long password") as (_, url):
        done = run(tmp_path, "--listen", url.removeprefix("http://"))
    assert done.returncode == 1
    assert "--listen" in done.stderr and "Traceback" not in done.stderr


def test_an_empty_password_and_a_bad_address_are_refused(tmp_path: Path) -> None:
    """Before anything is made."""
    empty = run(tmp_path / "a", "--listen", "127.0.0.1:0", password="")
    assert empty.returncode == 1 and "NOVA_ADMIN_PASSWORD" in empty.stderr
    short = run(tmp_path / "c", "--listen", "127.0.0.1:0", password="short")
    assert short.returncode == 1 and "12 to 1024 characters" in short.stderr
    wrong = run(tmp_path / "b", "--listen", "nowhere")
    assert wrong.returncode == 1 and "HOST:PORT" in wrong.stderr
    assert not (tmp_path / "b").exists()


def test_names_are_given_by_option_or_variable(tmp_path: Path) -> None:
    """Names that a proxy or the DNS has for it; whatever is no name is refused at the start."""
    with process(tmp_path, "--allowed-hosts", "nova.example, *.ops.example") as (_, url):
        hosts = ("nova.example:80", "a.ops.example", "evil.example", "localhost")
        assert [answered(url, host) for host in hosts] == [200, 200, 421, 200]
    refused = run(tmp_path, "--allowed-hosts", "https://nova.example")
    assert refused.returncode == 1 and "allowed_hosts" in refused.stderr


def test_a_default_view_that_is_none_is_refused(tmp_path: Path) -> None:
    """At start, in one line with the file and the rule; no screen would open on it."""
    view = tmp_path / "view.json"
    view.write_text('{"panel": "map"}')
    done = run(tmp_path / "data", "--listen", "127.0.0.1:0", "--default-view", str(view))
    assert done.returncode == 1
    assert "view.json" in done.stderr and "panel" in done.stderr
    assert "Traceback" not in done.stderr
