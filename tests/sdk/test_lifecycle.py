"""The life of a process: its ready line, and its end by a signal or a lost parent."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import pytest

from nova.sdk import lifecycle
from nova.sdk.errors import NovaError

WAIT_S = 20

PROGRAM = """
import asyncio
from nova.sdk import lifecycle

async def main():
    stop = lifecycle.stop_event(exit_with_stdin={with_stdin})
    lifecycle.print_ready("probe", url="http://[::1]:1/\\"x\\"")
    await stop.wait()
    print("stopped", flush=True)

asyncio.run(main())
"""


@contextmanager
def probe(with_stdin: bool) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives as ours do, and is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(with_stdin=with_stdin)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            assert process.stdout is not None
            ready = msgspec.json.decode(process.stdout.readline(), type=dict[str, str])
            assert ready == {"ready": "probe", "url": 'http://[::1]:1/"x"'}
            yield process
        finally:
            process.kill()


def close_stdin(process: subprocess.Popen[bytes]) -> None:
    """What happens when the parent dies, however it does."""
    assert process.stdin is not None
    process.stdin.write(b"what the parent says is not listened to")
    process.stdin.close()


def terminate(process: subprocess.Popen[bytes]) -> None:
    """What a service manager does."""
    process.send_signal(signal.SIGTERM)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """What Ctrl-C does."""
    process.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("end", "with_stdin"),
    [(terminate, False), (interrupt, False), (terminate, True), (close_stdin, True)],
)
def test_a_process_ends_cleanly_when_told_or_left_alone(
    end: Callable[[subprocess.Popen[bytes]], None], with_stdin: bool
) -> None:
    """nova.md §6: SIGTERM, SIGINT, and the end of stdin where a parent holds its other end."""
    with probe(with_stdin) as process:
        end(process)
        assert process.wait(WAIT_S) == 0
        assert process.stdout is not None and process.stdout.read() == b"stopped\n"


def test_a_process_that_starts_after_the_end_of_its_supervisor_does_nothing() -> None:
    """A reader waited for its writer for half a minute before it looked whether to stop."""
    theirs, ours = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(with_stdin=True)],
        stdin=theirs,
        capture_output=True,
        env={**os.environ, lifecycle.SUPERVISOR_VARIABLE: "0"},
    )
    os.close(theirs)
    assert (done.returncode, done.stdout) == (lifecycle.ORPHAN_STATUS, b"")


def test_the_end_of_stdin_is_nothing_to_a_process_of_its_own() -> None:
    """A service is started with no stdin and has to live."""
    with probe(with_stdin=False) as process:
        close_stdin(process)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.2)
        terminate(process)
        assert process.wait(WAIT_S) == 0


def test_a_process_of_batches_collects_seldom_and_still_does() -> None:
    """Cycles are found in the end; batches in between are not searched."""
    program = "import gc; from nova.sdk import lifecycle; lifecycle.collect_garbage_rarely(); "
    program += "print(gc.isenabled(), gc.get_threshold()[0], gc.get_freeze_count() > 1_000)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert told.split() == [b"True", b"%d" % lifecycle.GARBAGE_THRESHOLD, b"True"]


FAULTS_OF_CHUNKS = """
import resource
from nova.sdk import lifecycle
{prepare}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        chunks = [b"." * 1_000_000 for _ in range(8)]
        del chunks
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""
CHUNKS_PAGES = 8 * 1_000_000 // resource.getpagesize()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no mallopt")
def test_the_memory_of_chunks_serves_the_next_ones() -> None:
    """The kernel gives no pages for chunks whose memory was used before."""
    program = FAULTS_OF_CHUNKS.format(prepare="lifecycle.prepare_for_batches()")
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout
    assert int(told) < CHUNKS_PAGES


TOLD = """
print(os.nice(0), lifecycle.AUTOGROUP.exists() and lifecycle.AUTOGROUP.read_text().split()[1:])
"""

GIVING_WAY = """
import os
from nova.sdk import lifecycle
lifecycle.take_lowest_priority()
"""

BY_HAND = """
import contextlib, os, time
from nova.sdk import lifecycle
with contextlib.suppress(OSError):
    os.nice(19)
for _ in range({attempts}):
    with contextlib.suppress(OSError):
        if not lifecycle.AUTOGROUP.exists() or lifecycle.AUTOGROUP.write_text("19"):
            break
    time.sleep(0.2)
"""


@pytest.mark.parametrize("leads", [True, False])
def test_it_gives_way_with_its_own_session_alone(leads: bool) -> None:
    """Ingest beside an export. Where sessions are weighed, niceness within one is not
    enough; but a session that others lead is theirs. What the kernel allows is asked of it: it may
    know no sessions, or keep them to itself.
    """

    def told(program: str) -> bytes:
        command = [sys.executable, "-c", program + TOLD]
        done = subprocess.run(
            command, capture_output=True, check=True, start_new_session=leads, timeout=WAIT_S
        )
        return done.stdout

    assert told(GIVING_WAY) == told(BY_HAND.format(attempts=10 if leads else 0))


async def test_work_ends_when_the_process_is_told_to_stop() -> None:
    """It is cancelled, and has ended before anything is closed."""
    stop, begun, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ending = asyncio.create_task(lifecycle.run_until_stopped(work(), stop))
    await begun.wait()
    stop.set()
    await ending
    assert ended.is_set()


async def test_work_that_fails_ends_the_process_with_its_error() -> None:
    """Nobody has to stop it."""

    async def work() -> None:
        raise NovaError("the disk is full")

    with pytest.raises(NovaError, match="disk is full"):
        await lifecycle.run_until_stopped(work(), asyncio.Event())


async def test_what_is_under_way_is_finished_until_the_stop_is_cut() -> None:
    """A-296: work that ends is waited for; work that does not ends with the second signal, or when
    its time is over.
    """
    stop, finished = lifecycle.StopEvent(), asyncio.Event()

    async def brief() -> None:
        await asyncio.sleep(0)
        finished.set()

    stop.signal()
    assert stop.is_set() and not stop.cut.is_set()
    await lifecycle.drain(brief(), stop, WAIT_S)
    assert finished.is_set()
    forever = asyncio.create_task(lifecycle.drain(endless(), stop, 10 * WAIT_S))
    await asyncio.sleep(0)
    stop.signal()
    async with asyncio.timeout(WAIT_S):
        await forever
        await lifecycle.drain(endless(), lifecycle.StopEvent(), 0.01)


async def endless() -> None:
    await asyncio.Event().wait()
