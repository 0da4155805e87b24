"""`nova replay` with real processes: in order and per shard, interrupted, killed and resumed."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec
import pytest

from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.batch.replay import replay, replay_shards
from nova.sdk.batch.request import ReplaySummary
from nova.sdk.batch.resumable_file import OutputState, read_state, state_path
from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query, Timebase
from nova.sdk.transport.base import Batch, Record, connect
from nova.testkit.command_fork import CommandProcess, start_command
from nova.testkit.running_nova import RunningNova, running_nova
from tests.archive_readers import range_workers_of
from tests.command_here import command_here
from tests.e2e.shipped import MANIFESTS
from tests.e2e.until_read import until_read

START_NS = timestamps.parse("2026-01-01T00:00:00Z")
EVENTS = 12_000
PADDING = "x" * 400
WAIT_S = 30.0
TIMEBASES: tuple[Timebase, ...] = ("source", "canonical")

KILLS_ITSELF = """
import os, signal, sys
from pathlib import Path
from nova.sdk.batch import sinks
from nova.sdk.batch.request import ReplayRequest

def report(passed, total, events):
    if events >= int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

request = ReplayRequest(Path(sys.argv[2]), timebase=sys.argv[5])
getattr(sinks, sys.argv[1])(request, Path(sys.argv[3]), 2, report=report)
"""

SINK = """
def collect(shard, events):
    print("what a sink prints is no event")
    with open(f"{__file__}.{shard}", "wb") as file:
        for event in events:
            file.write(event + b"\\n")

def fail(shard, events):
    raise ValueError("no room in the sink")

nothing = 3
"""


def records(count: int, padding: str = "") -> list[Record]:
    """Events on two lanes of three units; some late, some at one time."""
    dice = random.Random(count)
    made = []
    for number in range(count):
        late_ms = dice.randrange(100_000) if number % 20 == 0 else 0
        header = {
            "scopeId": "sat",
            "lane": "parsed" if number % 3 else "metadata",
            "systemId": "bus",
            "containerId": "eps",
            "uniqueId": f"u{number % 3}",
            "sourceTruthTime": timestamps.text(START_NS + (number // 2 - late_ms) * 1_000_000),
            "messageType": "Count",
            "payload": {"n": number, "p": padding},
        }
        version = {"schemaVersion": "1"} if number % 3 else {}
        made.append(Record(None, msgspec.json.encode(header | version)))
    return made


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNova]:
    """A running NOVA with some thousand events."""
    data = tmp_path_factory.mktemp("live") / "data"
    with running_nova(data, "--scope", "sat") as nova:

        async def publish() -> None:
            transport = connect(nova.publish)
            await Producer(transport, "sat").publish(records(3_000))
            await transport.close()

        asyncio.run(publish())
        asyncio.run(until_read(data, 3_000 + MANIFESTS))
        yield nova
        nova.kill()


@pytest.fixture(scope="module")
def resting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an archive that nobody runs, larger than the pipes of its shards."""
    data = tmp_path_factory.mktemp("resting")
    archive = Archive.open_primary(data)
    committer = Committer(archive, data)
    made = records(EVENTS, PADDING)
    for start in range(0, EVENTS, 5_000):
        committer.add_batch("link", Batch(made[start : start + 5_000]))
        committer.close_commit()
    archive.sync()
    archive.close()
    return data


@pytest.fixture(scope="module")
def whole(resting: Path) -> dict[Timebase, bytes]:
    """What an undisturbed replay of the resting archive delivers."""
    return {
        timebase: b"".join(event + b"\n" for event in replay(resting, timebase=timebase, shards=1))
        for timebase in TIMEBASES
    }


def arguments(data: Path, *more: object) -> list[str]:
    """A `nova replay` of an archive."""
    return ["replay", "--data", str(data), *map(str, more)]


def started(data: Path, *more: object, limit: int | None = None) -> CommandProcess:
    """The same as a process that continues; its files grow to `limit` bytes at most."""
    command = arguments(data, *more)
    process = start_command(*command, environment=os.environ, stderr=subprocess.PIPE)
    if limit is not None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    return process


def wait_for_end_of_shards(data: Path) -> None:
    """Until no shard process runs on an archive; fails if one stays."""
    deadline = time.monotonic() + WAIT_S
    while range_workers_of(data):
        assert time.monotonic() < deadline, "a shard outlives its replay"
        threading.Event().wait(0.02)


def by_query(data: Path, timebase: Timebase, filters: Filters) -> list[bytes]:
    """The same range from the reader."""

    async def ask() -> list[bytes]:
        async with await Client.to_core(data) as client:
            wanted = Query(timebase=timebase, filters=filters)
            return [event async for event in client.query(wanted)]

    return asyncio.run(ask())


@pytest.mark.parametrize("timebase", ["source", pytest.param("canonical", marks=pytest.mark.slow)])
def test_in_order_is_what_a_query_says(live: RunningNova, timebase: Timebase) -> None:
    """A-034…A-048, A-315: the same bytes in the same order, by however many processes."""
    expected = by_query(live.data, timebase, Filters())
    assert len(expected) == 3_000 + MANIFESTS
    for shards in (1, 2, 3):
        assert list(replay(live.data, timebase=timebase, shards=shards)) == expected


def test_ranges_and_filters_are_those_of_a_query(live: RunningNova) -> None:
    """Both ends are included, and every filter narrows as it does in a query."""
    narrow = Filters(lanes=["parsed"], unique_id="u1")
    expected = by_query(live.data, "source", narrow)
    assert expected
    options = ("--timebase", "source", "--lanes", "parsed", "--unique", "u1", "--shards", "2")
    done = command_here(*arguments(live.data, *options, "--json"))
    assert done.returncode == 0 and done.stdout.splitlines() == expected
    summary = msgspec.json.decode(done.stderr.splitlines()[-1], type=ReplaySummary)
    assert (summary.events, summary.bytes) == (len(expected), len(done.stdout))
    times = [msgspec.json.decode(event)["sourceTruthTime"] for event in expected]
    between = [e for e, at in zip(expected, times, strict=True) if times[50] <= at <= times[70]]
    done = command_here(*arguments(live.data, *options, "--from", times[50], "--to", times[70]))
    assert done.stdout.splitlines() == between


def test_nothing_past_the_mark_while_it_grows(live: RunningNova) -> None:
    """A replay that begins holds what was durable then, however fast events come (A-145)."""
    stop = threading.Event()

    def publish() -> None:
        async def run() -> None:
            transport = connect(live.publish)
            number = 0
            while not stop.is_set():
                number += 1
                entity = f"more{number}"
                record = records(1)[0]
                value = record.value.replace(b'"u0"', f'"{entity}"'.encode())
                await transport.publish([Record(None, value)])
            await transport.close()

        asyncio.run(run())

    publishing = threading.Thread(target=publish)
    publishing.start()
    try:
        found = list(replay(live.data, timebase="canonical", shards=2))
    finally:
        stop.set()
        publishing.join()
    later = by_query(live.data, "canonical", Filters())
    assert found == later[: len(found)] and len(found) >= 3_000


@pytest.mark.parametrize("timebase", [pytest.param("source", marks=pytest.mark.slow), "canonical"])
def test_a_file_and_a_file_per_shard_hold_the_whole(
    resting: Path, whole: dict[Timebase, bytes], timebase: Timebase, tmp_path: Path
) -> None:
    """An archive at rest is delivered to its last event; shards are about equal, in order one
    after the other, and no state is left.
    """
    out, folder = tmp_path / "out.jsonl", tmp_path / "shards"
    base = ("--timebase", timebase, "--json")
    done = command_here(*arguments(resting, *base, "--out", out))
    assert done.returncode == 0 and out.read_bytes() == whole[timebase]
    done = command_here(*arguments(resting, *base, "--shards", "3", "--per-shard", folder))
    summary = msgspec.json.decode(done.stdout, type=ReplaySummary)
    assert (summary.events, summary.bytes, summary.shards) == (EVENTS, len(whole[timebase]), 3)
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"shard-{number:03}.jsonl" for number in range(3)]
    assert b"".join(file.read_bytes() for file in files) == whole[timebase]
    assert max(file.stat().st_size for file in files) < 1.3 * summary.bytes / 3
    assert sorted(tmp_path.iterdir()) == [out, folder]


@pytest.mark.parametrize(("kind", "timebase"), [("to_file", "source"), ("to_folder", "canonical")])
def test_killed_and_resumed_is_as_if_undisturbed(
    resting: Path, whole: dict[Timebase, bytes], tmp_path: Path, kind: str, timebase: Timebase
) -> None:
    """SIGKILL in the middle leaves no process; the same again gives the same bytes."""
    target = tmp_path / "target"
    for events in (EVENTS // 4, EVENTS // 2):
        killed = subprocess.run(
            [sys.executable, "-c", KILLS_ITSELF, kind, resting, target, str(events), timebase],
            check=False,
        )
        assert killed.returncode == -signal.SIGKILL
        wait_for_end_of_shards(resting)
    option = "--out" if kind == "to_file" else "--per-shard"
    files = [target] if kind == "to_file" else [target / f"shard-00{n}.jsonl" for n in range(2)]
    states = [read_state(state_path(file), OutputState) for file in files]
    assert 0 < sum(state.bytes for state in states if state) <= len(whole[timebase])
    done = command_here(*arguments(resting, "--timebase", timebase, option, target))
    assert done.returncode == 0, done.stderr
    assert b"".join(file.read_bytes() for file in files) == whole[timebase]
    assert not list(tmp_path.rglob("*.state"))


@pytest.mark.parametrize("option", ["--out", pytest.param("--per-shard", marks=pytest.mark.slow)])
def test_a_full_disk_is_said_and_gone_on_from(
    resting: Path, whole: dict[Timebase, bytes], tmp_path: Path, option: str
) -> None:
    """A line that was cut off by a full disk does not count; with room the rest follows."""
    target = tmp_path / "target"
    with started(resting, option, target, limit=2_000_001) as process:
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert (
        b"nova: cannot write " in said
        and b": File too large. Free some space and repeat the command: it resumes where it stopped"
        in said
    )
    files = [target] if option == "--out" else [target / f"shard-00{n}.jsonl" for n in range(2)]
    assert max(file.stat().st_size for file in files) == 2_000_001
    other = command_here(*arguments(resting, "--lanes", "parsed", option, target))
    assert other.returncode == 1 and b"filters was {}, is" in other.stderr
    assert command_here(*arguments(resting, option, target)).returncode == 0
    assert b"".join(file.read_bytes() for file in files) == whole["canonical"]


def test_what_is_there_is_not_written_over(resting: Path, tmp_path: Path) -> None:
    """A finished file stays as it is without --restart; of a folder, all shards go with it."""
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    refused = command_here(*arguments(resting, "--out", target))
    assert refused.returncode == 1 and b"exists, without" in refused.stderr
    assert target.read_bytes() == b"mine"
    assert command_here(*arguments(resting, "--out", target, "--restart")).returncode == 0
    assert target.read_bytes().count(b"\n") == EVENTS
    folder = tmp_path / "folder"
    for shards, extra in ((3, ()), (2, ("--restart",))):
        options = ("--shards", shards, "--per-shard", folder, *extra)
        assert command_here(*arguments(resting, *options)).returncode == 0
    assert len(list(folder.iterdir())) == 2


def read_some(stream: IO[bytes] | None) -> bytes:
    """The first events of a replay that continues."""
    assert stream is not None
    return stream.read(500_000)


def test_a_shard_that_dies_is_said(resting: Path, whole: dict[Timebase, bytes]) -> None:
    """A shard's death is one clear error and no half line; the other shards end too."""
    with started(resting) as process:
        found = read_some(process.stdout)
        os.kill(range_workers_of(resting)[0], signal.SIGKILL)
        rest, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert b"ended with status -9 before it had delivered all events" in said
    assert said.count(b"nova:") == 1 and b"Traceback" not in said
    found += rest
    assert found.endswith(b"\n") and whole["canonical"].startswith(found)
    assert len(found) < len(whole["canonical"])
    wait_for_end_of_shards(resting)


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow), signal.SIGKILL],
)
def test_interrupted_leaves_no_process(resting: Path, number: signal.Signals) -> None:
    """However a replay is ended, its shards end with it."""
    with started(resting) as process:
        read_some(process.stdout)
        assert len(range_workers_of(resting)) == 2
        process.send_signal(number)
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode != 0 and b"Traceback" not in said
    wait_for_end_of_shards(resting)


def test_a_function_takes_each_shard(
    resting: Path,
    whole: dict[Timebase, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Each process calls it with its number and its events; what goes wrong in it is said."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    sink = tmp_path / "sink_of_a_test.py"
    sink.write_text(SINK)
    summary = replay_shards(resting, "sink_of_a_test:collect", shards=2)
    assert summary.events == EVENTS
    found = [Path(f"{sink}.{shard}").read_bytes() for shard in range(2)]
    assert b"".join(found) == whole["canonical"] and all(found)
    for name, reason in (
        ("sink_of_a_test:fail", "failed on shard 0: ValueError: no room in the sink"),
        ("sink_of_a_test:nothing", "is a int, not a function"),
        ("sink_of_a_test:missing", "expected package.module:function"),
    ):
        done = command_here(*arguments(resting, "--shards", 1, "--call", name))
        assert done.returncode == 1 and reason in done.stderr.decode()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--out", "a", "--call", "b:c"), "give one of --out, --per-shard and --call"),
        (("--restart",), "--restart requires --out or --per-shard"),
        (("--from", "yesterday"), "is not an ISO 8601 time"),
        ((), "there is no archive in"),
    ],
)
def test_what_cannot_be_is_said(tmp_path: Path, options: Sequence[str], reason: str) -> None:
    """One clear error for what makes no sense."""
    done = command_here(*arguments(tmp_path, *options))
    assert done.returncode != 0 and reason in done.stderr.decode()


def test_a_full_stdout_is_one_line(resting: Path) -> None:
    """With the reason and an exit status; nothing more at exit."""
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "nova.cli", *arguments(resting)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert b"cannot write to stdout: No space left on device" in last
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
