"""The silence of a process is measured by its heartbeats, and only while it could have run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from nova.cli.child_monitor import ChildMonitor

ALIVE = b'{"alive":true}\n'
BUSY = b'{"busy":"opening the samples"}\n'


@pytest.fixture
def stopped() -> Iterator[int]:
    """A process that is stopped."""
    program = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        yield process.pid
        process.kill()


def test_silence_counts_from_the_first_heartbeat_to_the_next(stopped: int) -> None:
    """A process that has never sent one, such as a plug-in's, is not judged."""
    monitor = ChildMonitor(stopped)
    monitor.add(5.0)
    assert monitor.silence_s == 0.0
    assert monitor.receive(ALIVE)
    monitor.add(2.0)
    monitor.add(2.0)
    assert 3.0 < monitor.silence_s <= 4.0
    assert monitor.receive(ALIVE)
    assert monitor.silence_s == 0.0


@pytest.mark.parametrize("line", [b"", b"hello\n", b'{"alive":7}\n', b'{"busy":\n', b"{}\n"])
def test_what_is_no_heartbeat_is_left_to_the_log(stopped: int, line: bytes) -> None:
    """A driver may print."""
    monitor = ChildMonitor(stopped)
    assert not monitor.receive(line)
    monitor.add(5.0)
    assert monitor.silence_s == 0.0


def test_an_announced_step_counts_while_its_process_does_nothing(stopped: int) -> None:
    """It is stopped, or waits for what never comes."""
    monitor = ChildMonitor(stopped)
    assert monitor.receive(BUSY)
    assert monitor.busy == "opening the samples"
    monitor.add(1.0)
    monitor.add(4.0)
    assert monitor.silence_s >= 4.0
    assert monitor.receive(ALIVE)
    assert monitor.busy is None


def work() -> None:
    """Use the processor for longer than the interval at which the kernel counts it."""
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass


def test_a_start_counts_while_its_process_is_stopped(stopped: int) -> None:
    """Also before its first heartbeat, when it may still be loading its modules."""
    monitor = ChildMonitor(stopped, is_starting=True)
    monitor.add(4.0)
    assert monitor.silence_s == 4.0


def test_a_start_does_not_count_while_its_process_works_or_has_sent_nothing() -> None:
    """It opens a large archive, or is a plug-in's that sends no heartbeats and waits."""
    monitor = ChildMonitor(os.getpid(), is_starting=True)
    for _ in range(5):
        work()
        monitor.add(100.0)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as waiting:
        sleeping = ChildMonitor(waiting.pid, is_starting=True)
        sleeping.add(100.0)
    assert monitor.silence_s == sleeping.silence_s == 0.0


def test_an_announced_step_does_not_count_while_its_process_works() -> None:
    """This process works between two looks at it."""
    monitor = ChildMonitor(os.getpid())
    assert monitor.receive(BUSY)
    for _ in range(5):
        work()
        monitor.add(100.0)
    assert monitor.silence_s == 0.0
    assert monitor.receive(ALIVE)
    work()
    monitor.add(100.0)
    assert monitor.silence_s > 0.0


def test_a_process_that_has_ended_is_silent() -> None:
    """The file of its times is gone."""
    monitor = ChildMonitor(2**22 + 1)
    assert monitor.receive(ALIVE)
    monitor.add(3.0)
    assert monitor.silence_s == 3.0
