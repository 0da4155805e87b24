"""The requests of a timeline over a reader's real socket, and conflation of a slow client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nova.core.server.reader_limits import ReaderLimits
from nova.sdk.client.client import Client
from nova.sdk.protocol import messages
from nova.sdk.protocol.messages import Discover, Latest, StartStream, StreamChunk, StreamStarted
from nova.sdk.protocol.timeline import Extent, Fields, Neighbour, Sample, StreamGap, Summary
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Record
from tests.core.running import Core, Frames, running_core
from tests.core.telling import START_NS, telling

Make = Callable[..., Record]
EVENTS = 120


@pytest.fixture
async def filled(core: Core, record: Make) -> Core:
    """A Core that holds events of four lanes and three units."""
    lanes = ("metadata", "ui", "parsed", "raw")
    await core.publish([record(n, lane=lanes[n % 4], unit="uvw"[n % 3]) for n in range(EVENTS)])
    async with await Client.to_core(core.data) as client:
        await core.settled(client, EVENTS)
    return core


async def test_what_a_timeline_asks_is_answered(filled: Core) -> None:
    """Summary, extent, fields, sample and neighbour over the socket."""
    begin, end = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"
    async with await Client.to_core(filled.data) as client:
        counts = await client.summary(
            Summary(start_time=begin, stop_time=end, buckets=4, timebase="source")
        )
        assert sum(counts.lanes.ui) == sum(counts.lanes.raw) == EVENTS // 4
        extent = await client.extent(Extent(timebase="source"))
        assert (extent.events, extent.start_time) == (EVENTS, "2026-01-01T00:00:00.000000000Z")
        known = await client.fields(
            Fields(
                scope_id="sat",
                system_id="bus",
                container_id="eps",
                unique_id="v",
                lane="ui",
                message_type="UiUpdate",
                view_id="v",
            )
        )
        assert [(field.field, field.kind) for field in known] == [("n", "number")]
        sample = await client.sample(
            Sample(
                start_time=begin,
                stop_time=end,
                buckets=1,
                timebase="source",
                scope_id="sat",
                system_id="bus",
                container_id="eps",
                unique_id="v",
                lane="ui",
                message_type="UiUpdate",
                view_id="v",
                fields=["n"],
            )
        )
        numbers = [n for n in range(EVENTS) if n % 4 == 1 and n % 3 == 1]
        (field,) = sample.fields
        assert sum(field.count) == len(numbers)
        assert (field.min[0], max(x for x in field.max if x is not None)) == (1, max(numbers))
        step = await client.neighbour(Neighbour(time=begin, direction="next", timebase="source"))
        assert step.time == "2026-01-01T00:00:00.001000000Z"
        assert step.event is not msgspec.UNSET and step.key is not None
        assert b'"n":1' in bytes(step.event)


async def test_the_client_takes_all_pages_of_what_there_is(filled: Core) -> None:
    """`latest` and `discover` are paged; the client's methods return all pages."""
    async with await Client.to_core(filled.data) as client:
        latest = await client.latest(Latest(limit=5))
        assert len(latest.events) == 12 and latest.next_key is None
        of_field = await client.latest(Latest(limit=5, fields=["n", "never"]))
        having = [event for event in latest.events if b'"n":' in bytes(event)]
        assert sorted(map(bytes, of_field.events)) == sorted(map(bytes, having)) != []
        assert not of_field.behind
        known = await client.discover(Discover(limit=1))
        assert [entity.unique_id for entity in known.entities] == ["u", "v", "w"]
    async with filled.frames() as frames:
        await frames.send(Latest(limit=5))
        page = await frames.receive()
        assert isinstance(page, messages.LatestResponse)
        assert len(page.events) == 5 and page.next_key is not None


async def test_the_latest_events_that_a_client_names_as_known_are_counted(
    filled: Core, record: Make
) -> None:
    """The reply has the others; one that is not the newest any more is neither sent nor counted."""
    async with await Client.to_core(filled.data) as client:
        whole = (await client.latest(Latest())).events
        ids = [msgspec.json.decode(bytes(event))["eventId"] for event in whole]
        some = await client.latest(Latest(limit=5, known=ids[:4]))
        assert (some.events, some.unchanged) == (whole[4:], 4)
        none = await client.latest(Latest(known=[*ids, "f" * 64]))
        assert (none.events, none.unchanged) == ([], len(ids))
        await filled.publish([record(EVENTS, lane="metadata", unit="u")])
        await filled.settled(client, EVENTS + 1)
        newer = await client.latest(Latest(known=ids))
        assert (len(newer.events), newer.unchanged) == (1, len(ids) - 1)


async def test_a_slow_client_is_told_what_it_does_not_get(data: Path) -> None:
    """A client that reads nothing for a while continues at the present, and a gap
    names what is missing; one that did not ask for it gets everything.
    """
    filler = "x" * 60_000
    settings, limits = Settings(data=str(data), mode="ground"), ReaderLimits(pending_max_events=50)
    async with (
        running_core(settings, limits=limits) as core,
        core.frames() as slow,
        core.frames() as patient,
    ):
        for frames, shed in ((slow, True), (patient, False)):
            live = StartStream(
                playback_request_id="live", timeline_mode="LIVE", timebase="canonical", shed=shed
            )
            await frames.send(live)
            await frames.until(StreamStarted)
        for number in range(40):
            parts = [
                telling(START_NS + number * 10 + n, {"n": number * 10 + n, "f": filler}, lane="ui")
                for n in range(10)
            ]
            await core.publish(parts)
        numbers, gaps = await read_to(slow, 399)
        whole, none = await read_to(patient, 399)
    assert (whole, none) == (list(range(400)), [])
    assert gaps and numbers == sorted(numbers)
    assert len(numbers) + sum(gap.shed for gap in gaps) == 400
    assert all(gap.from_time <= gap.to_time and gap.reason == "slow" for gap in gaps)


async def read_to(frames: Frames, last: int) -> tuple[list[int], list[StreamGap]]:
    """The numbers of a stream up to the last one, and its gaps."""
    numbers: list[int] = []
    gaps: list[StreamGap] = []
    while not numbers or numbers[-1] != last:
        reply = await frames.receive()
        if isinstance(reply, StreamGap):
            gaps.append(reply)
        elif isinstance(reply, StreamChunk):
            events = [msgspec.json.decode(event) for event in reply.events]
            numbers += [event["data"]["n"] for event in events]
    return numbers, gaps
