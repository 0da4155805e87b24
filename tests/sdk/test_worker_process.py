"""Workers that are killed, hang, print, send garbage or outlive their parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from nova.sdk.channel import ChannelError, FrameCodec
from nova.sdk.worker_process import BlockingWorker, WorkerExitError, WorkerProcess
from tests.cli.test_supervisor import is_there

ECHO = """
import os, subprocess, sys, time
from nova.sdk.channel import FrameCodec
from nova.sdk.worker_channel import WorkerChannel

codec = FrameCodec(list[str])
channel = WorkerChannel()
while (head := channel.receive()) is not None:
    match codec.decode(head):
        case ["print", text]:
            print(text, flush=True)
            os.system(f"echo {text}")
        case ["exit", status]:
            sys.exit(int(status))
        case ["raw", text]:
            os.write(channel.descriptor, text.encode())
        case ["wrong"]:
            channel.send(FrameCodec(int).encode(5))
        case ["start"]:
            child = subprocess.Popen(["sleep", "600"])
            channel.send(codec.encode([str(child.pid)]))
        case ["hang"]:
            time.sleep(600)
        case told:
            channel.send(codec.encode(told))
"""
LISTENING = """
import os, time
from nova.sdk.channel import FrameCodec
from nova.sdk.worker_channel import WorkerChannel

codec = FrameCodec(list[str])
channel = WorkerChannel()
requests = channel.listen(codec, 0.0)
channel.send(codec.encode([str(os.getpid())]))
time.sleep(600)
"""
PARENT = """
import sys, time
from nova.sdk.channel import FrameCodec
from nova.sdk.worker_process import BlockingWorker

worker = BlockingWorker("busy", ["listening_worker"], FrameCodec(list[str]))
print(worker.receive()[0][0], flush=True)
time.sleep(600)
"""
MESSAGES: FrameCodec[list[str]] = FrameCodec(list[str])
WAIT_S = 60.0
NAME = "an echo"

Start = Callable[[], Awaitable[WorkerProcess[list[str]]]]


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers, as modules that their process finds."""
    (tmp_path / "echo_worker.py").write_text(ECHO)
    (tmp_path / "listening_worker.py").write_text(LISTENING)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), str(Path.cwd()))))


@pytest.fixture
async def echo() -> AsyncIterator[WorkerProcess[list[str]]]:
    """A worker that sends back what it receives."""
    worker = await WorkerProcess.start(NAME, ["echo_worker"], MESSAGES)
    async with asyncio.timeout(WAIT_S):
        yield worker
    await worker.stop()
    assert not is_there(worker.process_id)


@pytest.fixture
def blocking() -> Iterator[BlockingWorker[list[str]]]:
    """The same, without an event loop."""
    worker = BlockingWorker(NAME, ["echo_worker"], MESSAGES)
    yield worker
    worker.stop()
    assert not is_there(worker.process_id)


def ask(worker: WorkerProcess[list[str]] | BlockingWorker[list[str]], *request: str) -> None:
    worker.send(MESSAGES.encode(list(request)))


async def test_replies_come_in_the_order_of_the_requests(echo: WorkerProcess[list[str]]) -> None:
    """Also large ones, of which not all fit into the pipes."""
    requests = [[str(number), "x" * size] for number, size in enumerate((0, 2_000_000, 5, 900_000))]
    for request in requests:
        ask(echo, *request)
    assert [await echo.receive() for _ in requests] == requests


def test_a_blocking_worker_replies_too(blocking: BlockingWorker[list[str]]) -> None:
    for request in (["a", ""], ["b", "x" * 2_000_000]):
        ask(blocking, *request)
        assert blocking.receive() == (request, b"")


async def test_what_is_printed_gets_not_between_replies(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nor what its own children print; it is said on stderr."""
    worker = await WorkerProcess.start(NAME, ["echo_worker"], MESSAGES)
    for request in (("print", "noise"), ("told",)):
        ask(worker, *request)
    async with asyncio.timeout(WAIT_S):
        assert await worker.receive() == ["told"]
    await worker.stop()
    assert capfd.readouterr().err.count("noise") == 2


async def test_a_worker_that_is_killed_is_one_error(echo: WorkerProcess[list[str]]) -> None:
    """Whatever was asked of it meanwhile; and it stays that error."""
    os.kill(echo.process_id, signal.SIGSTOP)
    for _ in range(100):
        ask(echo, "x" * 100_000)
    os.kill(echo.process_id, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(WorkerExitError, match=f"^{NAME} exited with status -9$"):
            await echo.receive()
        ask(echo, "nobody hears this")


def test_a_blocking_worker_that_is_killed_is_one_error(
    blocking: BlockingWorker[list[str]],
) -> None:
    """Whether it is asked or listened to."""
    os.kill(blocking.process_id, signal.SIGKILL)
    with pytest.raises(WorkerExitError, match=f"^{NAME} exited with status -9$"):
        while True:
            ask(blocking, "x" * 100_000)
    # Other files have the descriptors of its pipes by now.
    with Path(__file__).open("rb"), Path(__file__).open("rb"):
        for again in (blocking.receive, lambda: ask(blocking, "again")):
            with pytest.raises(WorkerExitError, match=r"status -9$"):
                again()


@pytest.mark.parametrize("status", [0, 3])
async def test_a_worker_that_ends_itself_tells_its_status(
    echo: WorkerProcess[list[str]], blocking: BlockingWorker[list[str]], status: int
) -> None:
    """Zero as well: a reply was expected."""
    ask(echo, "exit", str(status))
    with pytest.raises(WorkerExitError, match=f"^{NAME} exited with status {status}$"):
        await echo.receive()
    ask(blocking, "exit", str(status))
    with pytest.raises(WorkerExitError, match=f"^{NAME} exited with status {status}$"):
        blocking.receive()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (("raw", "Segmentation fault, or so"), "claims"),
        (("wrong",), "Expected `array`, got `int`"),
    ],
)
async def test_garbage_is_named_with_its_worker(
    echo: WorkerProcess[list[str]],
    blocking: BlockingWorker[list[str]],
    request_: tuple[str, ...],
    reason: str,
) -> None:
    """No worker's garbage is taken for a reply, and nobody waits for more of it."""
    ask(echo, *request_)
    with pytest.raises(ChannelError, match=f"^{NAME}: .*{reason}"):
        await echo.receive()
    ask(blocking, *request_)
    with pytest.raises(ChannelError, match=f"^{NAME}: .*{reason}"):
        blocking.receive()


async def test_a_frame_over_the_limit_is_an_error() -> None:
    """The limit is the worker's own."""
    worker = await WorkerProcess.start(NAME, ["echo_worker"], MESSAGES, frame_max_bytes=1_000)
    ask(worker, "x" * 900)
    ask(worker, "x" * 1_001)
    async with asyncio.timeout(WAIT_S):
        assert await worker.receive() == ["x" * 900]
        with pytest.raises(ChannelError, match="the limit is 1000"):
            await worker.receive()
        await worker.kill()
    assert not is_there(worker.process_id)


async def test_a_receive_that_is_cancelled_loses_nothing(echo: WorkerProcess[list[str]]) -> None:
    """As by a deadline, in the middle of a large reply."""
    large = ["x" * 3_000_000]
    for number in range(10):
        ask(echo, *large, str(number))
    received: list[list[str]] = []
    while len(received) < 10:
        try:
            async with asyncio.timeout(0.001):
                received.append(await echo.receive())
        except TimeoutError:
            pass
    assert received == [[*large, str(number)] for number in range(10)]


async def test_a_worker_that_hangs_is_killed(echo: WorkerProcess[list[str]]) -> None:
    """It does not notice that it should end."""
    ask(echo, "hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await echo.receive()
    await echo.stop(timeout_s=0.2)
    with pytest.raises(WorkerExitError, match="status -9"):
        await echo.receive()


async def test_a_stop_that_is_cancelled_ends_the_worker(echo: WorkerProcess[list[str]]) -> None:
    ask(echo, "hang")
    stopping = asyncio.create_task(echo.stop(timeout_s=WAIT_S))
    await asyncio.sleep(0.1)
    stopping.cancel()
    await asyncio.wait((stopping,))
    while is_there(echo.process_id):
        await asyncio.sleep(0.01)


def test_a_blocking_worker_that_hangs_is_killed(blocking: BlockingWorker[list[str]]) -> None:
    ask(blocking, "hang")
    blocking.stop(timeout_s=0.2)
    assert not is_there(blocking.process_id)


async def test_a_busy_worker_ends_with_a_parent_that_is_killed() -> None:
    """It works for ten minutes; it hears the end of its parent beside that."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert is_there(worker)
        parent.kill()
    async with asyncio.timeout(WAIT_S):
        while is_there(worker):
            await asyncio.sleep(0.01)


def test_a_worker_that_ends_while_it_listens_ends_in_order() -> None:
    """Its thread holds no lock; every refused replay ended in "_enter_buffered_busy"."""
    script = LISTENING.replace("time.sleep(600)", "time.sleep(0.5)")
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait() == 0


async def test_a_listening_worker_ends_at_garbage() -> None:
    """It would otherwise wait for requests for ever."""
    worker = await WorkerProcess.start(NAME, ["listening_worker"], MESSAGES)
    async with asyncio.timeout(WAIT_S):
        await worker.receive()
        worker.send(b"\xc1")
        with pytest.raises(WorkerExitError, match="status 1"):
            await worker.receive()


def runs(process_id: int) -> bool:
    """Whether a process runs; one that was killed may wait for its new parent."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("end", ["kill", "stop", "exit", "hang"])
async def test_what_a_worker_started_ends_with_it(echo: WorkerProcess[list[str]], end: str) -> None:
    ask(echo, "start")
    child = int((await echo.receive())[0])
    assert runs(child)
    match end:
        case "kill":
            await echo.kill()
        case "exit":
            ask(echo, "exit", "3")
            with pytest.raises(WorkerExitError, match="status 3"):
                await echo.receive()
        case _:
            ask(echo, "hang") if end == "hang" else None
            await echo.stop(timeout_s=WAIT_S if end == "stop" else 0.2)
    async with asyncio.timeout(WAIT_S / 6):
        while runs(child):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_a_blocking_worker_started_ends_with_it(
    blocking: BlockingWorker[list[str]], end: str
) -> None:
    ask(blocking, "start")
    child = int(blocking.receive()[0][0])
    getattr(blocking, end)()
    limit_s = time.monotonic() + WAIT_S
    while runs(child):
        assert time.monotonic() < limit_s
        time.sleep(0.01)
