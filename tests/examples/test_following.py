"""examples/follow.py loses nothing, also when NOVA ends before it has received anything."""

from __future__ import annotations

import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nova.sdk import BlockingProducer, Entity, endpoints
from nova.testkit.running_nova import running_nova
from tests.examples.installed import EXAMPLES

BATTERY = Entity("bus", "eps", "battery")
CONNECTED = "03"
"""The state of a connected socket in /proc/net/unix."""


@contextmanager
def follower_of(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The example as a process of its own."""
    program = [sys.executable, str(EXAMPLES / "follow.py"), str(data)]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def connections(data: Path) -> int:
    """How many connections to the reader are open."""
    path = str(endpoints.reader_socket(data))
    lines = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
    return sum(line[-1] == path and line[5] == CONNECTED for line in lines)


def publish(url: str, volts: float) -> None:
    with BlockingProducer(url, "sat1") as producer:
        event = producer.observe(BATTERY).parsed("Battery", {"volts": volts})
        assert producer.send([event]).new == 1


def test_what_is_stored_while_a_follower_is_away_is_not_lost(tmp_path: Path) -> None:
    """NOVA is killed while the follower has received nothing, and stores a value before the
    follower, which sleeps meanwhile, connects again. Later values show that it follows.
    """
    data = tmp_path / "data"
    with running_nova(data, "--scope", "sat1") as nova:
        before = connections(data)
        with follower_of(data) as follower:
            while connections(data) == before:
                time.sleep(0.05)
            nova.kill()
            assert follower.stderr is not None and follower.stdout is not None
            assert b"next attempt" in follower.stderr.readline()
            follower.send_signal(signal.SIGSTOP)
            with running_nova(data, "--scope", "sat1") as again:
                publish(again.publish, 31.5)
                follower.send_signal(signal.SIGCONT)
                later = 32.5
                while not select.select([follower.stdout], [], [], 0.2)[0]:
                    publish(again.publish, later)
                    later += 1
                assert b"31.5" in follower.stdout.readline()
                again.kill()
