"""Events at the first and last representable times, in every reply and every digest."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import msgspec

from nova.core.ordering import TIMEBASES
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.export import Export
from nova.sdk.protocol.messages import Latest, Query, Rate
from nova.sdk.protocol.timeline import Neighbour
from nova.sdk.protocol.views import GetUiState
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN
from nova.sdk.transport.base import Batch
from tests.core.answering import Answerer
from tests.core.running import running_core
from tests.core.telling import telling, told

ENDS = (NS_MIN, NS_MIN + 1, -1, 1, NS_MAX - 1, NS_MAX)


def written(root: Path) -> list[bytes]:
    """The envelopes in the daily files of a folder."""
    return [line for path in root.rglob("*.jsonl") for line in path.read_bytes().splitlines()]


def test_the_ends_of_time_are_in_every_answer(tmp_path: Path) -> None:
    """1677-09-21T00:12:43.145224192Z … 2262-04-11T23:47:16.854775807Z: an export left out what it
    held of the last nanosecond.
    """
    archive = Archive.open_primary(tmp_path)
    committer = Committer(archive, tmp_path)
    records = [
        telling(at_ns, {"n": number}, lane=lane, unit=unit)
        for number, at_ns in enumerate(ENDS)
        for lane in ("parsed", "ui", "raw", "metadata")
        for unit in ("a", "b", "c")
    ]
    committer.add_batch("link", Batch(records))
    committer.close_commit()
    events = told(archive)
    assert len(events) == len(records)
    with ExitStack() as stack:
        stack.callback(archive.close)
        asked = Answerer(stack, tmp_path, tmp_path / "asked", committer.last_ns)
        answers = {kind: ask() for kind, ask in asked.kinds().items()}
    for timebase in TIMEBASES:
        for kind in ("query", "stream", "replay"):
            assert answers[f"{kind} {timebase}"].split()[0] == str(len(records)), kind
        assert answers[f"query {timebase}"] == answers[f"stream {timebase}"]
        assert answers[f"query {timebase}"] == answers[f"replay {timebase}"]
        export = msgspec.json.decode(answers[f"export {timebase}"].rsplit("}", 1)[0] + "}")
        assert export["events"] == len(records)
        assert sum(file["events"] for file in export["files"]) == len(records)
        assert answers[f"latest {timebase}"].split()[0] == "12"
        counts = [int(n) for n in re.findall(r"\d+", answers[f"summary {timebase}"])]
        assert sum(counts) == len(records)
        states = msgspec.json.decode(answers[f"state {timebase}"])
        assert [state["state"] for state in states] == [{"n": len(ENDS) - 1}] * 3
        sample = msgspec.json.decode(answers[f"sample {timebase}"])
        assert [sum(one["fields"][0]["count"]) for one in sample] == [len(ENDS)] * 2
    assert sorted(written(tmp_path / "asked" / "files")) == sorted(one.stored for one in events)
    extent, previous, following = msgspec.json.decode(answers["ends source"])
    assert (extent["startTime"], extent["stopTime"]) == tuple(
        map(timestamps.text, (NS_MIN, NS_MAX))
    )
    assert previous["time"] == timestamps.text(NS_MAX - 1)
    assert following["time"] == timestamps.text(NS_MIN + 1)


NEAR = ((NS_MIN, NS_MIN + 1), (-1, 1), (NS_MAX - 1, NS_MAX))
RANGES = [(low, high) for low in ENDS for high in ENDS if low <= high]
UNITS, LANES_TOLD = ("a", "b"), ("parsed", "ui", "raw", "metadata")


def within(low: int, high: int) -> int:
    """The events between two times, both included."""
    return len(UNITS) * len(LANES_TOLD) * sum(low <= at_ns <= high for at_ns in ENDS)


async def read_between(client: Client, low: int, high: int) -> dict[str, int]:
    """How many events each way of reading a range gives."""
    start, stop = timestamps.text(low), timestamps.text(high)
    found: Counter[str] = Counter()
    for reverse in (False, True):
        query = Query(start_time=start, stop_time=stop, reverse=reverse, timebase="source", limit=5)
        async for _ in client.query(query):
            found[f"query {reverse}"] += 1
    paced: tuple[Rate, ...] = (1.0, -1.0) if (low, high) in NEAR else ()
    for rate in ("max", "-max", *paced):
        begin, end = (stop, start) if rate in ("-max", -1.0) else (start, stop)
        chunks = client.stream(
            "REPLAY", start_time=begin, stop_time=end, rate=rate, timebase="source"
        )
        async for chunk in chunks:
            found[f"stream {rate}"] += len(chunk.events)
    return dict(found)


async def test_the_ends_of_time_come_through_every_door(data: Path) -> None:
    """Every range that begins or ends there, read by clients; and what is reported as of there."""
    records = [
        telling(at_ns, {"n": number}, lane=lane, unit=unit)
        for number, at_ns in enumerate(ENDS)
        for lane in LANES_TOLD
        for unit in UNITS
    ]
    settings = Settings(data=str(data), mode="ground", export_processes=1)
    async with running_core(settings) as core, await Client.to_core(data) as client:
        await core.publish(records)
        await core.settled(client, len(records))
        for low, high in RANGES:
            found = await read_between(client, low, high)
            assert set(found.values()) == {within(low, high)}, (low, high, found)
        for number, at_ns in enumerate(ENDS):
            await told_as_of(client, number, timestamps.text(at_ns))
        for driver in ("jsonl", "mcap"):
            first, last = map(timestamps.text, (NS_MIN, NS_MAX))
            done = await client.export(
                Export(start_time=first, stop_time=last, driver=driver, timebase="source")
            )
            assert done.events == len(records) and done.failures == 0


async def told_as_of(client: Client, number: int, time: str) -> None:
    """The newest events, states and neighbours as of one of the times."""
    latest = await client.latest(Latest(time=time, timebase="source"))
    assert len(latest.events) == len(UNITS) * len(LANES_TOLD)
    states = await client.ui_state(GetUiState(time=time, timebase="source"))
    assert [msgspec.json.decode(one.state) for one in states.states] == [{"n": number}] * len(UNITS)
    steps: tuple[tuple[Literal["next", "previous"], int], ...] = (("next", 1), ("previous", -1))
    for direction, step in steps:
        found = await client.neighbour(Neighbour(time=time, direction=direction, timebase="source"))
        inside = 0 <= number + step < len(ENDS)
        assert found.time == (timestamps.text(ENDS[number + step]) if inside else None)
