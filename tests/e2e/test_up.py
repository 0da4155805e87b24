"""`nova up` for its operator: it starts, restarts its processes, and stops all of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nova.sdk.client.client import Client, login
from nova.sdk.endpoints import run_folder
from nova.sdk.errors import NovaError, ProtocolError, TransportError
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import Receipt, Record, connect
from nova.testkit.running_nova import PASSWORD, RunningNova, nova_command, running_nova
from tests.command_here import command_here
from tests.e2e.shipped import MANIFESTS

ENVELOPE = (
    b'{"scopeId":"sat","lane":"ui","systemId":"bus","containerId":"eps","uniqueId":"battery",'
    b'"sourceTruthTime":"2026-01-01T00:00:%02dZ","messageType":"UiUpdate","viewId":"battery",'
    b'"manifestId":"battery","manifestVersion":"1.0.0","data":{"voltage":28.5}}'
)


async def publish(url: str, second: int) -> Receipt:
    """One event through the local transport, as soon as somebody listens."""
    while True:
        transport = connect(url)
        try:
            return await transport.publish([Record(None, ENVELOPE % second)])
        except NovaError:
            await asyncio.sleep(0.1)
        finally:
            await transport.close()


async def count(data: Path) -> int:
    """The events of others that a reader serves, as soon as one does."""
    while True:
        try:
            async with await Client.to_core(data) as client:
                found = [event async for event in client.query(Query())]
                return len(found) - MANIFESTS
        except NovaError:
            await asyncio.sleep(0.1)


def alive(process_id: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # It may end while this is read.
        return False
    return state != "Z"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to come true; the test's timeout is the bound."""
    while not condition():
        await asyncio.sleep(0.05)


def test_sigterm_ends_all_processes_cleanly(nova: RunningNova) -> None:
    """A-296: after SIGTERM the status is 0, nothing is left running, no socket is left, and the
    archive opens again.
    """
    children = [nova.child(name) for name in ("writer", "reader", "sampler", "edge")]
    asyncio.run(publish(nova.publish, 1))
    assert any(path.is_socket() for path in run_folder(nova.data).iterdir())
    assert nova.stop() == 0
    assert not any(alive(child) for child in children)
    assert [path for path in run_folder(nova.data).iterdir() if path.is_socket()] == []
    with running_nova(nova.data, "--scope", "sat") as again:
        assert asyncio.run(count(again.data)) == 1
        again.kill()


@pytest.mark.parametrize("streams", ["closed", "unread"])
def test_nobody_has_to_read_what_it_prints(tmp_path: Path, streams: str) -> None:
    """It runs on, and ends at SIGTERM."""
    log = tmp_path / "nova.log"
    up = [
        sys.executable,
        "-m",
        "nova.cli",
        "up",
        "--data",
        str(tmp_path / "data"),
        "--scope",
        "sat",
    ]
    up += ["--listen", "127.0.0.1:0"]
    if streams == "closed":
        up = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *up]
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.Popen(up, stdout=writer, env={**os.environ, "NOVA_LOG_FILE": str(log)})
    os.close(writer)
    try:
        asyncio.run(until(lambda: log.exists() and "NOVA is ready" in log.read_text()))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        assert process.wait() == 0
    finally:
        process.kill()
        process.wait()


def test_a_new_instance_starts_at_once_after_a_kill(nova: RunningNova) -> None:
    """Nothing outlives `nova up`, however it ends: no child keeps a lock, not one either that hears
    nothing.
    """
    children = [nova.child(name) for name in ("writer", "reader", "sampler", "edge")]
    asyncio.run(publish(nova.publish, 1))
    for name in ("writer", "sampler"):
        os.kill(nova.child(name), signal.SIGSTOP)
    nova.process.kill()
    nova.process.wait()
    with running_nova(nova.data, "--scope", "sat") as again:
        assert asyncio.run(count(again.data)) == 1
        asyncio.run(until(lambda: not any(alive(child) for child in children)))
        again.kill()


def test_a_child_that_dies_is_started_again(nova: RunningNova) -> None:
    """Every process may die at any time; the instance continues with what it had."""
    asyncio.run(publish(nova.publish, 1))

    async def all_there(expected: int) -> None:
        while await count(nova.data) != expected:
            await asyncio.sleep(0.1)

    for number, name in enumerate(("writer", "reader", "sampler", "edge"), start=2):
        before = nova.child(name)
        os.kill(before, signal.SIGKILL)
        while alive(before):
            time.sleep(0.05)
        asyncio.run(publish(nova.publish, number))
        asyncio.run(all_there(number))
        assert asyncio.run(edge_count(nova)) == number, name


async def edge_count(nova: RunningNova) -> int:
    """The events that a fresh client streams through the edge."""
    while True:
        try:
            token = await login(nova.url, "admin", PASSWORD)
            async with await Client.to_edge(nova.url, token) as client:
                chunks = client.stream("REPLAY", rate="max", filters=Filters(lanes=["ui"]))
                return sum([len(chunk.events) async for chunk in chunks])
        except NovaError:
            await asyncio.sleep(0.1)


def test_an_archive_is_never_begun_anew_where_one_was(nova: RunningNova) -> None:
    """Behind an unmounted disk lies an empty folder at the same path. Whoever is
    restarted there makes nothing and takes nothing; once the archive is back it continues.
    """
    asyncio.run(publish(nova.publish, 1))
    away, first = nova.data.with_name("away"), nova.child("writer")
    nova.data.rename(away)
    nova.data.mkdir()
    with contextlib.suppress(ProcessLookupError):  # It may have seen for itself.
        os.kill(first, signal.SIGKILL)
    asyncio.run(refused_again_and_again(nova, first))
    asyncio.run(nothing_is_left_in(nova.data))
    nova.data.rmdir()
    away.rename(nova.data)
    asyncio.run(publish(nova.publish, 2))

    async def both_there() -> None:
        while await count(nova.data) != 2:
            await asyncio.sleep(0.1)

    asyncio.run(both_there())
    assert asyncio.run(edge_count(nova)) == 2


async def nothing_is_left_in(folder: Path) -> None:
    """A sampler that opened its database in that moment removes it again."""
    while list(folder.iterdir()):
        await asyncio.sleep(0.1)


async def refused_again_and_again(nova: RunningNova, first: int) -> None:
    """Until several restarted writers have ended again, with nothing acknowledged by any."""
    seen = {first}
    while len(seen) < 4:
        transport = connect(nova.publish)
        with pytest.raises(TransportError):
            await transport.publish([Record(None, ENVELOPE % 3)])
        await transport.close()
        with contextlib.suppress(NovaError, FileNotFoundError):
            seen.add(nova.child("writer"))
        await asyncio.sleep(0.05)


def test_every_process_is_refused_another_archive(tmp_path: Path) -> None:
    """An id in the settings holds across restarts of the machine."""
    for name in ("core writer", "core reader", "core sampler", "core files", "edge"):
        refused = nova_command(
            *name.split(), "--data", str(tmp_path / "x"), NOVA_ARCHIVE="other", NOVA_MODE="ground"
        )
        assert refused.returncode == 1, name
        assert b"this instance serves archive other" in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_second_instance_on_the_same_data_is_refused(nova: RunningNova) -> None:
    """Only one process writes an archive, and the second says who holds it. The edge of the first
    refuses by name meanwhile, and continues (A-269, AMB-29).
    """
    second = nova_command("core", "writer", "--data", str(nova.data))
    assert second.returncode == 1
    assert b"scope" in second.stderr  # it says what is missing first
    with pytest.raises(NovaError), running_nova(nova.data, "--scope", "sat"):
        raise AssertionError("a second writer has opened the archive")
    asyncio.run(refused_by_the_edge(nova))


async def refused_by_the_edge(nova: RunningNova) -> None:
    """A wrong password; what there is is read as before."""
    with pytest.raises(ProtocolError):
        await login(nova.url, "admin", "not it")
    token = await login(nova.url, "admin", PASSWORD)
    async with await Client.to_edge(nova.url, token) as client:
        assert len([event async for event in client.query(Query())]) == MANIFESTS


def test_commands_say_what_to_do_when_nothing_runs(tmp_path: Path) -> None:
    """An error is one line that helps, never a trace."""
    for command in ("query", "tail", "rejects", "status"):
        done = command_here(command, "--data", str(tmp_path))
        assert done.returncode == 1
        assert b"nova up" in done.stderr
        assert b"Traceback" not in done.stderr


def test_what_lies_in_the_working_folder_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its processes are started with the folder of whoever starts it, where anything may lie."""
    for name in ("edge", "core", "sdk"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not of NOVA')\n")
    monkeypatch.chdir(tmp_path)
    command = (Path(sys.executable).parent / "nova", "up", "--scope", "sat", "--listen", ":0")
    with subprocess.Popen(
        [*command, "--data", tmp_path / "data", "--exit-with-stdin", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.communicate(timeout=60)
    assert b'"url"' in ready and process.returncode == 0
