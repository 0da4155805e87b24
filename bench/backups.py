"""Backups: what ingest keeps beside one, what a second one copies, and whether a restore is whole.

`python -m bench.backups --events N` fills the archive of a running NOVA with N events over the
local transport, then measures ingest alone and beside full backups, each to an empty target, in
turns. Then it makes two backups to one target, between which the archive grows by a twentieth,
restores the second, and compares the digests of both archives.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import msgspec

from bench.bulk_archive import FIRST_EVENTS, fill
from bench.busy_producer import publish
from bench.own import BATCH_EVENTS
from bench.work import Work
from nova.core.store.archive import Archive
from nova.sdk.events.digest import EventDigest
from nova.sdk.transport.base import Record
from nova.testkit.running_nova import RunningNova, nova_command, running_nova

ROUND_EVENTS = 50_000
ROUNDS_DEFAULT = 4
GROWTH_SHARE = 1 / 20
MB = 1e6


class _Feed:
    """The events that come next."""

    def __init__(self, nova: RunningNova) -> None:
        self._nova = nova
        self.events = 0

    def publish(self, events: int) -> float:
        """Publish events; returns how many a second were acknowledged."""
        records: list[Record] = []
        for batch in Work(self.events + events).batches(BATCH_EVENTS, self.events):
            records += batch
        self.events += events
        return len(records) / asyncio.run(publish(self._nova.publish, records))


@contextmanager
def _backing_up(data: Path, targets: Path) -> Iterator[list[float]]:
    """Make full backups one after the other while the block runs; yields their seconds."""
    stop = threading.Event()
    seconds: list[float] = []

    def run() -> None:
        while not stop.is_set():
            target = targets / f"{len(seconds)}-{time.monotonic_ns()}"
            place = ("--data", str(data), "--to", str(target), "--json")
            command = [sys.executable, "-m", "nova.cli", "backup", *place]
            with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as made:
                started = time.monotonic()
                while made.poll() is None and not stop.is_set():
                    time.sleep(0.05)
                if made.poll() is None:
                    made.terminate()
                else:
                    seconds.append(time.monotonic() - started)
            shutil.rmtree(target, ignore_errors=True)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


def _result(*arguments: str) -> dict[str, float]:
    done = nova_command(*arguments, "--json")
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    found = msgspec.json.decode(done.stdout, type=dict[str, object])
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def _digests(data: Path) -> tuple[int, str, str]:
    """The number of events, and the digests of the order in canonical and in source time."""
    canonical, source = EventDigest(), hashlib.sha256()
    with tempfile.TemporaryDirectory() as scratch:
        archive = Archive.open_secondary(data, Path(scratch))
        canonical.add(stored for _, stored in archive.events.scan("canonical"))
        for key, event_key in archive.events.scan("source"):
            source.update(key + event_key)
        archive.close()
    return canonical.events, canonical.text(), source.hexdigest()


def measure(folder: Path, events: int, rounds: int, *, is_bulk: bool = False) -> list[str]:
    """The lines of the result. In the bulk way the first events are written straight into the
    store, and those that are published follow on them.
    """
    data, target, back = folder / "data", folder / "target", folder / "back"
    if is_bulk:
        fill(data, events)
        events = FIRST_EVENTS  # Published ones are others: they have more members.
    with running_nova(data, "--scope", Work(0).scope) as nova:
        feed = _Feed(nova)
        feed.events = FIRST_EVENTS if is_bulk else 0
        while feed.events < events:
            feed.publish(min(ROUND_EVENTS, events - feed.events))
        alone: list[float] = []
        beside: list[float] = []
        seconds: list[float] = []
        for _ in range(rounds):
            alone.append(feed.publish(ROUND_EVENTS))
            with _backing_up(data, folder / "targets") as made:
                beside.append(feed.publish(ROUND_EVENTS))
            seconds += made
        place = ("--data", str(data), "--to", str(target))
        first = _result("backup", *place)
        feed.publish(round(first["events"] * GROWTH_SHARE))
        second = _result("backup", *place)
        nova.kill()
    restored = _result("restore", "--from", str(target), "--data", str(back))
    is_equal = _digests(back) == _digests(data)
    shares = [with_it / without for with_it, without in zip(beside, alone, strict=True)] or [1.0]
    return [
        f"ingest alone {_rates(alone)} events/s",
        f"ingest beside full backups {_rates(beside)} events/s: median of the rounds "
        f"{median(shares):.0%}, all together {sum(beside) / max(sum(alone), 1):.0%}; "
        f"{len(seconds)} backups ended meanwhile",
        f"first backup: {first['events']:,} events, {first['copiedBytes'] / MB:,.1f} MB copied, "
        f"{first['seconds']:.1f} s",
        f"second backup, {second['events'] - first['events']:,} events later: "
        f"{second['copiedBytes'] / MB:,.1f} of {second['bytes'] / MB:,.1f} MB copied "
        f"({second['copiedBytes'] / second['bytes']:.1%}), {second['seconds']:.1f} s",
        f"restored: {restored['events']:,} events in {restored['seconds']:.1f} s, "
        f"digest {'equal' if is_equal else 'DIFFERS'}",
    ]


def _rates(rates: Sequence[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.backups")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS_DEFAULT)
    parser.add_argument("--bulk", action="store_true", help="fill the archive in the bulk way")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="nova-bench-") as folder:
        for line in measure(Path(folder), given.events, given.rounds, is_bulk=given.bulk):
            print(line)


if __name__ == "__main__":
    main()
