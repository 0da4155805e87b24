"""Alarms in a whole NOVA: how long after its receipt an event is judged while events are published
steadily, what judging costs, and what ingest loses by it.

`python -m bench.alarm_latency --rules N`: in turns an instance with N rules, each of one field of
an entity of its own, and one without. Each gets an event of every entity, then a burst as fast as
it takes it, then a steady rate. Judged is what another process finds in the database of alarms.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from bisect import bisect_left
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from bench.alarm_judging import SCOPE, record_of, rule_of
from bench.busy_producer import publish
from bench.figures import US
from bench.process_use import ProcessUse
from nova.core.query.derived_reader import DerivedReader
from nova.core.scratch import scratch_folder
from nova.core.store.alarm_store import AlarmStore
from nova.core.store.durability_marker import read_marker
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import RunningNova, running_nova

FIELDS = 1
BATCH_S = 0.02
LOOK_S = 0.02
JUDGED_TIMEOUT_S = 300.0
PROBES_PER_S = 100
"""Moments of receipt for which the time until they are judged is computed."""


class AlarmRun(NamedTuple):
    """Rates in events a second, CPU in µs an event by process, and seconds until judged."""

    published_hz: float
    burst_cpu_us: dict[str, float]
    steady_cpu_us: dict[str, float]
    lags_s: list[float]
    peak_mib: dict[str, float]


class JudgedCursor:
    """Up to when the alarms of an instance are judged, seen again and again."""

    def __init__(self, data: Path, scratch: Path) -> None:
        self._reader = DerivedReader(AlarmStore, data, scratch)
        self.seen: list[tuple[int, int]] = []
        """Cursors and the times at which they were seen, both in ns since 1970."""

    def look(self) -> int:
        store = self._reader.current()
        state = None if store is None else store.state()
        cursor_ns = NS_MIN if state is None else state.cursor_ns
        self.seen.append((cursor_ns, time.time_ns()))
        return cursor_ns

    async def follow(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    async def until(self, time_ns: int) -> None:
        async with asyncio.timeout(JUDGED_TIMEOUT_S):
            while self.look() < time_ns:
                await asyncio.sleep(LOOK_S)

    def lags_s(self, first_ns: int, last_ns: int) -> list[float]:
        """From receipt until it was seen to be judged, for moments in a range."""
        cursors = [cursor_ns for cursor_ns, _ in self.seen]
        step = NS_PER_SECOND // PROBES_PER_S
        return [
            (self.seen[bisect_left(cursors, at_ns)][1] - at_ns) / NS_PER_SECOND
            for at_ns in range(first_ns, last_ns, step)
        ]

    def close(self) -> None:
        self._reader.close()


def newest_ns(data: Path) -> int:
    marker = read_marker(data)
    return NS_MIN if marker is None else marker.canonical_ns


async def publish_steadily(url: str, first: int, units: int, rate: int, seconds: float) -> int:
    """Publish at a rate; returns the number of events."""
    batch, sent = max(1, int(rate * BATCH_S)), 0
    async with Producer(connect(url), SCOPE) as producer:
        begun = time.monotonic()
        while sent < rate * seconds:
            part = [record_of(first + sent + n, units, FIELDS) for n in range(batch)]
            await producer.publish(part)
            sent += batch
            await asyncio.sleep(max(0.0, begun + sent / rate - time.monotonic()))
    return sent


async def measured(nova: RunningNova, units: int, options: argparse.Namespace) -> AlarmRun:
    use = ProcessUse(nova.process.pid)

    def cpu_us(before: dict[str, float], events: int) -> dict[str, float]:
        after = use.look().cpu_s
        return {name: (s - before.get(name, 0.0)) / events * US for name, s in after.items()}

    with scratch_folder("bench") as scratch:
        cursor = JudgedCursor(nova.data, scratch)
        await publish(nova.publish, [record_of(n, units, FIELDS) for n in range(units)])
        await cursor.until(newest_ns(nova.data))
        await asyncio.sleep(2)
        before = use.look().cpu_s
        burst = [record_of(units + n, units, FIELDS) for n in range(options.burst)]
        took_s = await publish(nova.publish, burst)
        await cursor.until(newest_ns(nova.data))
        burst_cpu = cpu_us(before, len(burst))
        before, begun_ns = use.look().cpu_s, time.time_ns()
        following = asyncio.create_task(cursor.follow())
        first = units + options.burst
        sent = await publish_steadily(nova.publish, first, units, options.rate, options.seconds)
        ended_ns = newest_ns(nova.data)
        await cursor.until(ended_ns)
        following.cancel()
        steady_cpu = cpu_us(before, sent)
        lags = cursor.lags_s(begun_ns + NS_PER_SECOND, ended_ns)
        cursor.close()
    return AlarmRun(len(burst) / took_s, burst_cpu, steady_cpu, lags, use.peak_mib)


def run(rules: int, options: argparse.Namespace) -> AlarmRun:
    with tempfile.TemporaryDirectory(prefix="nova-") as folder:
        files = Path(folder) / "rules"
        files.mkdir()
        chosen = [msgspec.to_builtins(rule_of(unit, 0)) for unit in range(rules)]
        (files / "rules.json").write_bytes(msgspec.json.encode({"rules": chosen}))
        config = Path(folder) / "nova.toml"
        config.write_text(f'scope = "{SCOPE}"\nalarm_rules = "{files}"\ndrivers = ["none"]\n')
        with running_nova(Path(folder) / "data", "--config", str(config)) as nova:
            return asyncio.run(measured(nova, options.rules, options))


def shown(found: AlarmRun) -> str:
    p50, p99 = np.percentile(found.lags_s, (50, 99))
    burst, steady = found.burst_cpu_us, found.steady_cpu_us
    names = ("writer", "sampler", "alarms")
    costs = ", ".join(f"{name} {steady.get(name, 0.0):.1f}" for name in names)
    return (
        f"published {found.published_hz:,.0f}/s with {burst['writer']:.1f} µs of the writer; "
        f"judged after {p50:.2f} s (p50), {p99:.2f} s (p99); µs of CPU an event: {costs}; "
        f"alarms {found.peak_mib.get('alarms', 0):.0f} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.alarm_latency")
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--burst", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rates: list[float] = []
    for _ in range(options.rounds):
        bare, judged = run(0, options), run(options.rules, options)
        print(f"without rules: {shown(bare)}")
        print(f"{options.rules:,} rules: {shown(judged)}", flush=True)
        rates.append(judged.published_hz / bare.published_hz)
    print(f"ingest with rules / without: {statistics.median(rates):.2f}")


if __name__ == "__main__":
    main()
