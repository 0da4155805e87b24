"""Clients slower than ingest, through real processes: a LIVE stream with conflation through an
edge, and `nova tail` at a terminal.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from nova.sdk import timestamps
from nova.sdk.client.client import Client, login
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Query
from nova.sdk.protocol.timeline import StreamGap
from nova.sdk.transport.base import connect
from nova.testkit.running_nova import PASSWORD, RunningNova
from tests.e2e.shipped import TOLD_BY_OTHERS

pytestmark = pytest.mark.timeout(480)

UNITS = [Entity("bus", "eps", unit) for unit in ("a", "b", "c")]
END = Entity("bus", "eps", "end")
ROUNDS, PART_ROUNDS = 6_000, 500
METADATA_EVERY = 100
PADDING = "x" * 2_000
"""More bytes than all buffers between the Core and a client hold."""

GETS_ON_S = 5.0
"""A third of the time after which an edge closes a client that does not read."""

TAKEN_BYTES = 1024 * 1024
"""Less than that opens no window of TCP, whose receiver waits for a sixteenth of its buffer."""

READ_BYTES = 64 * 1024


class SeenEvent(msgspec.Struct, rename="camel"):
    """What a test looks at in an event; a metadata event has its count in `payload`."""

    lane: str
    unique_id: str
    canonical_truth_time: str
    data: dict[str, int | str] | None = None
    payload: dict[str, int] | None = None

    @property
    def count(self) -> int:
        """The how-many-eth of its series it is."""
        return int((self.data or self.payload or {})["count"])


async def burst(producer: Producer, get_on: Callable[[], Awaitable[object]]) -> None:
    """Updates of three series in turn, now and then metadata, and one last event of its own.

    The client gets on a little from time to time, however long it takes to publish: one that takes
    nothing at all is cut off after a while.
    """
    sending = asyncio.create_task(_send_all(producer))
    while not (await asyncio.wait((sending,), timeout=GETS_ON_S))[0]:
        await get_on()
    await sending


async def _send_all(producer: Producer) -> None:
    for first in range(0, ROUNDS, PART_ROUNDS):
        events = []
        for count in range(first, first + PART_ROUNDS):
            data = {"count": count, "padding": PADDING}
            events += [producer.observe(unit).ui("view", "m", "1", data) for unit in UNITS]
            if count % METADATA_EVERY == 0:
                mode = producer.observe(UNITS[0]).metadata("ModeChanged", {"count": count})
                events.append(mode)
        await producer.send(events)
    await producer.send([producer.observe(END).ui("view", "m", "1", {"count": 0})])


async def edge_client(nova: RunningNova) -> Client:
    """A client that is logged in at the edge."""
    token = await login(nova.url, "admin", PASSWORD)
    return await Client.to_edge(nova.url, token)


async def test_a_slow_client_is_kept_at_the_present_and_told_what_it_lacks(
    nova: RunningNova,
) -> None:
    """Through a real edge; what is not sent is counted and lies where the gaps say; a
    series never goes back, metadata is whole, and in the end the present is shown.
    """
    gaps: list[StreamGap] = []
    seen: list[SeenEvent] = []
    async with await edge_client(nova) as client:
        stream = client.stream("LIVE", on_gap=gaps.append)
        await anext(stream)  # It is at the present; from now on next to nothing is taken.

        async def take_one() -> int:
            events = (await anext(stream)).events
            seen.extend(msgspec.json.decode(event, type=SeenEvent) for event in events)
            return sum(map(len, events))

        async def take_some() -> None:
            taken = 0
            while taken < TAKEN_BYTES:
                taken += await take_one()

        transport = connect(nova.publish)
        await burst(Producer(transport, "sat"), take_some)
        await transport.close()
        while not seen or seen[-1].unique_id != END.unique_id:
            await take_one()
    assert gaps and {gap.reason for gap in gaps} == {"slow"}
    metadata = [one.count for one in seen if one.lane == "metadata"]
    assert metadata == list(range(0, ROUNDS, METADATA_EVERY))
    for unit in UNITS:
        counts = [one.count for one in seen if one.unique_id == unit.unique_id and one.data]
        assert counts == sorted(set(counts)) and counts[-1] == ROUNDS - 1
    updates = sum(one.lane == "ui" for one in seen) - 1
    assert sum(gap.shed for gap in gaps) == len(UNITS) * ROUNDS - updates > 0
    times = {one.canonical_truth_time for one in seen}
    async with await Client.to_core(nova.data) as core:
        missing = [
            time
            async for event in core.query(
                Query(timebase="canonical", limit=2_000, filters=TOLD_BY_OTHERS)
            )
            if (time := msgspec.json.decode(event, type=SeenEvent).canonical_truth_time)
            not in times
        ]
    spans = [(gap.from_time, gap.to_time) for gap in gaps]
    assert len(missing) == sum(gap.shed for gap in gaps)
    assert all(any(low <= time <= high for low, high in spans) for time in missing)
    assert spans == sorted(spans) and all(timestamps.parse(low) for low, _ in spans)


@contextmanager
def tail_at_a_terminal(data: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """`nova tail` that prints on a terminal, whose other end is returned, and complains on a
    pipe.
    """
    screen, terminal = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "nova.cli", "tail", "--data", str(data)],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
        env={**os.environ, "COLUMNS": "120"},
    )
    os.close(terminal)
    with running:
        try:
            yield screen, running
        finally:
            running.kill()
            os.close(screen)


def read_until(screen: int, text: bytes, timeout_s: float) -> bytes:
    """What a terminal shows, up to and with a text, or what it has shown in this time."""
    shown = b""
    while text not in shown and select.select([screen], [], [], timeout_s)[0]:
        shown += os.read(screen, READ_BYTES)
    return shown


async def test_a_terminal_that_is_too_slow_says_what_it_leaves_out(nova: RunningNova) -> None:
    """The note is on stderr and counts what is not on the screen, which ends at the
    present.
    """
    transport = connect(nova.publish)
    producer = Producer(transport, "sat")
    with tail_at_a_terminal(nova.data) as (screen, running):
        begun = b""
        while b".begin" not in begun:  # It is at the present; next to nothing is read from now on.
            unit = Entity("bus", "eps", "begin")
            await producer.send([producer.observe(unit).ui("view", "m", "1", {"count": 0})])
            begun = await asyncio.to_thread(read_until, screen, b".begin", 0.5)
        shown = bytearray()

        async def read_some() -> None:
            shown.extend(await asyncio.to_thread(os.read, screen, READ_BYTES))

        await burst(producer, read_some)
        while b".end" not in shown:
            await read_some()
        running.terminate()
        assert running.stderr is not None
        notes = running.stderr.read().decode()
    await transport.close()
    left_out = re.findall(
        r"^-- too slow: dropped (\d+) events received from \S+Z to \S+Z$", notes, re.M
    )
    assert left_out and notes.count("\n") == len(left_out)
    lines = [
        line for line in shown.decode().splitlines() if re.search(r"sat\.bus\.eps\.[abc] ", line)
    ]
    published = len(UNITS) * ROUNDS + ROUNDS // METADATA_EVERY
    assert sum(map(int, left_out)) + len(lines) == published
