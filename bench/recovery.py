"""Recovery: how long until a NOVA with a large archive takes events again after its writer was
killed at full rate.

`python -m bench.recovery --events N` fills an archive in the bulk way, starts NOVA on it, publishes
without a pause, kills the writer with SIGKILL some times, and takes the time by the monotonic clock
from each kill to the acknowledgement of a batch that was published after it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.bulk_archive import FIRST_EVENTS, fill
from bench.own import BATCH_EVENTS
from bench.work import HUNDRED, Work
from nova.sdk.errors import NovaError
from nova.sdk.transport.base import Record, connect
from nova.testkit.running_nova import RunningNova, running_nova

KILLS = 5
RUN_S = 4.0
"""How long the writer works at full rate before each kill."""

RETRY_S = 0.02
RECOVERY_MAX_S = 120.0


class Recovery(NamedTuple):
    """One kill: seconds until events are taken again, and CPU seconds of the new writer by then."""

    seconds: float
    cpu_s: float


class _Publisher:
    """Publishes batches one after the other; `acknowledged` counts them."""

    def __init__(self, url: str) -> None:
        self._transport = connect(url)
        self.acknowledged = 0
        self.changed = asyncio.Event()

    async def run(self) -> None:
        first = FIRST_EVENTS
        while True:
            for batch in _batches(first):
                await self._publish(batch)
                self.acknowledged += 1
                self.changed.set()
                first += BATCH_EVENTS

    async def _publish(self, batch: Sequence[Record]) -> None:
        """Publish again until it is acknowledged: a publish ends with an error when its connection
        does.
        """
        while True:
            try:
                await self._transport.publish(batch)
                return
            except (NovaError, OSError):
                await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        await self._transport.close()


def _batches(first: int) -> list[list[Record]]:
    """Some batches, made before they are needed."""
    start = first // HUNDRED * HUNDRED
    return list(Work(start + 20 * BATCH_EVENTS).batches(BATCH_EVENTS, start))


async def _kill(nova: RunningNova, publisher: _Publisher) -> Recovery:
    await asyncio.sleep(RUN_S)
    # One batch may be on its way, and be acknowledged before the kill takes effect.
    wanted = publisher.acknowledged + 2
    killed_at = time.monotonic()
    os.kill(nova.child("writer"), signal.SIGKILL)
    async with asyncio.timeout(RECOVERY_MAX_S):
        while publisher.acknowledged < wanted:
            publisher.changed.clear()
            await publisher.changed.wait()
    return Recovery(time.monotonic() - killed_at, _cpu_s(nova.child("writer")))


def _cpu_s(process_id: int) -> float:
    """CPU seconds that a process has used, its threads included."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(nova: RunningNova, kills: int = KILLS) -> list[Recovery]:
    """Kill the writer some times."""
    publisher = _Publisher(nova.publish)
    task = asyncio.create_task(publisher.run())
    try:
        return [await _kill(nova, publisher) for _ in range(kills)]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await publisher.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.recovery")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--data", type=Path, help="an archive that `bench.bulk_archive` filled")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as folder:
        data = given.data or Path(folder) / "data"
        if given.data is None:
            fill(data, given.events)
        with running_nova(data, "--scope", Work(0).scope) as nova:
            found = asyncio.run(measure(nova, given.kills))
            nova.kill()
    seconds = [one.seconds for one in found]
    print(
        f"{given.events:,} events: takes events again {median(seconds):.2f} s after a kill "
        f"(longest {max(seconds):.2f} s of {len(found)}), "
        f"{median(one.cpu_s for one in found):.2f} s of CPU of the new writer"
    )


if __name__ == "__main__":
    main()
