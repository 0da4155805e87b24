"""Health that is true: each process that hangs is noticed, reported, and restarted; and
nothing of a NOVA that is killed works on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import aiohttp
import pytest

from nova.sdk.client.client import Client, login
from nova.sdk.errors import NovaError
from nova.sdk.protocol.export import Export
from nova.sdk.protocol.health import ProcessInfo
from nova.sdk.transport.base import Record, connect
from nova.testkit.running_nova import PASSWORD, RunningNova, running_nova
from tests.e2e.recorded_flight import SCOPE
from tests.e2e.test_up import alive, publish

HUNG_RESTART_S = 10
EVENTS = 5_000
ENVELOPE_OF = (
    b'{"scopeId":"sat","lane":"ui","systemId":"bus","containerId":"eps","uniqueId":"battery",'
    b'"sourceTruthTime":"2026-01-01T00:%02d:%02dZ","messageType":"UiUpdate","viewId":"battery",'
    b'"manifestId":"battery","manifestVersion":"1.0.0","data":{"voltage":%d}}'
)
PROCESSES = ("writer", "reader", "sampler", "files", "edge")


@pytest.fixture(scope="module")
def log_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "nova.log"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, log_path: Path) -> Iterator[RunningNova]:
    """A NOVA of five processes, with its log in a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NOVA_DRIVERS", "jsonl")
        patch.setenv("NOVA_HUNG_RESTART_S", str(HUNG_RESTART_S))
        data = tmp_path_factory.mktemp("watched") / "data"
        with log_path.open("wb") as log, running_nova(data, "--scope", SCOPE, log=log) as running:
            yield running
            running.kill()


async def readyz(nova: RunningNova) -> tuple[int, dict[str, object]]:
    """Status and body of the readiness probe."""
    async with aiohttp.ClientSession() as http, http.get(f"{nova.url}/readyz") as reply:
        return reply.status, await reply.json()


def halt(nova: RunningNova, names: Iterable[str]) -> None:
    """Stop these processes, but those that are just being replaced."""
    for name in names:
        with contextlib.suppress(NovaError, ProcessLookupError):
            os.kill(nova.child(name), signal.SIGSTOP)


async def until_told_hung(nova: RunningNova, *names: str) -> None:
    """Stop these processes, until the reader's status and the edge's probe have named them as hung.
    On a busy machine one may have been replaced before anybody was asked: that one is stopped too.
    """
    by_status: set[str] = set()
    by_probe: set[str] = set()
    async with await Client.to_core(nova.data) as client:
        while not by_status & by_probe >= set(names):
            found = (await client.status()).processes
            by_status |= {one.name for one in found if one.state == "hung"}
            code, body = await readyz(nova)
            told = body.get("processes")
            if isinstance(told, dict):
                by_probe |= {name for name, state in told.items() if state == "hung"}
            assert code == 200 or "writer" in names
            ready = {one.name for one in found if one.state == "ready"}
            halt(nova, ready & (set(names) - (by_status & by_probe)))
            await asyncio.sleep(0.05)


async def missed_reader(nova: RunningNova) -> tuple[str, str]:
    """Stop the reader, and each that replaces it, until a client and the edge's probe miss it;
    returns the code and the state that they get.
    """
    token = await login(nova.url, "admin", PASSWORD)
    while True:
        halt(nova, ("reader",))
        code = await first_error(nova, token)
        status, body = await readyz(nova)
        if code is not None and status == 503:
            return code, str(body["status"])


async def until_states(nova: RunningNova, are_so: Callable[[Sequence[ProcessInfo]], bool]) -> None:
    """Wait until the states of the processes satisfy a condition, by a reader that serves."""
    while True:
        try:
            async with await Client.to_core(nova.data) as client:
                while not are_so((await client.status()).processes):
                    await asyncio.sleep(0.1)
                return
        except NovaError:
            await asyncio.sleep(0.1)


def all_ready(found: Sequence[ProcessInfo]) -> bool:
    return [one.name for one in found if one.state == "ready"] == sorted(PROCESSES)


def restarted(*names: str) -> Callable[[Sequence[ProcessInfo]], bool]:
    """Whether these have been restarted, and all that a NOVA needs is ready."""

    def are_so(found: Sequence[ProcessInfo]) -> bool:
        ready = {one.name for one in found if one.state == "ready"}
        again = {one.name for one in found if one.restarts}
        return ready >= {"writer", "reader", "edge"} and again >= set(names)

    return are_so


async def first_error(nova: RunningNova, token: str) -> str | None:
    """The code of the error that a client gets for a request that is not repeated; None if it is
    answered.
    """
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{nova.url}/ws") as socket:
        await socket.send_json({"type": "auth", "token": token})
        await socket.send_json({"type": "status", "ref": 1})
        while True:
            frame = await socket.receive_json()
            if frame["type"] == "error":
                return str(frame["code"])
            if frame["type"] == "statusResponse":
                return None


def logged(path: Path, message: str) -> set[str]:
    """The children that the supervisor's log names with a message."""
    found = set()
    for line in path.read_bytes().splitlines():
        if message.encode() in line:
            found |= {name for name in PROCESSES if f'"{name}"'.encode() in line}
    return found


async def test_each_process_that_hangs_is_told_and_restarted(
    watched: RunningNova, log_path: Path
) -> None:
    """Stopped processes answer nothing and hold all that they hold. First those that a reader and
    an edge can report, then these two.
    """
    before = {name: watched.child(name) for name in PROCESSES}
    await until_states(watched, all_ready)
    await publish(watched.publish, 1)
    await until_told_hung(watched, "writer", "sampler", "files")
    await until_states(watched, restarted("writer", "sampler", "files"))

    code, state = await missed_reader(watched)
    assert code == "coreUnavailable" and "reader" in state
    halt(watched, ("edge",))
    await until_states(watched, restarted(*PROCESSES))
    await publish(watched.publish, 2)
    for name, number in before.items():
        assert not alive(number), name
    assert logged(log_path, "a process hangs") == set(PROCESSES)
    assert logged(log_path, "killing a process that hangs") == set(PROCESSES)


async def test_nothing_of_a_killed_nova_works_on(watched: RunningNova) -> None:
    """Neither the sampler, which is busy with an import, nor the workers of an export, which are
    children of a child.
    """
    history = [Record(None, ENVELOPE_OF % (n // 60 % 60, n % 60, n)) for n in range(EVENTS)]
    transport = connect(watched.publish)
    await transport.publish(history)
    await transport.close()
    async with await Client.to_core(watched.data) as client:
        exporting = asyncio.ensure_future(client.export(Export()))
        workers: list[int] = []
        while not workers:
            await asyncio.sleep(0.01)
            workers = export_workers(watched)
        for number in workers:
            os.kill(number, signal.SIGSTOP)
        left = [number for name in PROCESSES for number in tree(watched.child(name))]
        assert set(workers) <= set(left)
        watched.process.kill()
        for number in workers:
            os.kill(number, signal.SIGCONT)  # They are in the middle of their work.
        with pytest.raises(NovaError):
            await exporting
        while any(alive(number) for number in left):
            await asyncio.sleep(0.05)


def export_workers(nova: RunningNova) -> list[int]:
    """The workers of exports that run their program: one that is stopped before that would hold
    the thread of the reader that starts it.
    """
    return [
        number
        for number in children(nova.child("reader"))
        if b"range-worker" in Path(f"/proc/{number}/cmdline").read_bytes()
    ]


def children(process_id: int) -> list[int]:
    """The ids of a process's children, also those that other threads than its first started."""
    tasks = Path(f"/proc/{process_id}/task").glob("*/children")
    return [int(number) for task in tasks for number in task.read_text().split()]


def tree(process_id: int) -> list[int]:
    """A process and its descendants."""
    return [process_id, *(one for child in children(process_id) for one in tree(child))]
