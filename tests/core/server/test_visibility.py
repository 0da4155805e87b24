"""What principals see through every message: their scopes and lanes, and the audit trail as admins.

Random principals ask a real reader for everything; each reply is compared with a filter over the
list of all events.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict, TypeVar

import aiohttp
import msgspec
import pytest
from msgspec import UNSET

from nova.sdk import endpoints, timestamps
from nova.sdk.address import LANES
from nova.sdk.client.client import Client
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol import messages, timeline
from nova.sdk.protocol.column_messages import Columns, ColumnsResponse
from nova.sdk.protocol.export import Export, ExportComplete, ExportFailed, ExportStarted
from nova.sdk.protocol.messages import Error, Filters, Message, Timebase
from nova.sdk.settings import Settings
from nova.sdk.transport.base import Record
from tests.core.running import WAIT_S, Core, Frames, running_core
from tests.core.telling import START_NS, moved, telling

SCOPES = ("alpha", "beta", "gamma")
SEEN_LANES = ("metadata", "command", "ui", "parsed", "raw")
PRINCIPALS = 12
SERIES_NAMES = (
    *("scope_id", "system_id", "container_id", "unique_id"),
    *("lane", "message_type", "view_id"),
)
AUDIT = Filters(system_id="nova", container_id="audit")
AUDITED = 6
"""Of the records, those of the audit trail."""


class VisibleSpan(TypedDict):
    """The times of a request."""

    start_time: str
    stop_time: str


SPAN = VisibleSpan(start_time="2025-01-01T00:00:00Z", stop_time="2027-01-01T00:00:00Z")
MessageT = TypeVar("MessageT", bound=Message)


class Seen(NamedTuple):
    """A stored event as the model looks at it."""

    scope: str
    lane: str
    entity: tuple[str, str, str, str]
    series: tuple[str, ...]
    source: str
    is_audit: bool
    stored: bytes

    def source_order(self) -> tuple[str, int, str]:
        """Time, lane and eventId, by which events are ordered in source time."""
        event: dict[str, str] = msgspec.json.decode(self.stored)
        return self.source, LANES.index(self.lane), event["eventId"]


class VisiblePerson(NamedTuple):
    """A principal as an edge describes it."""

    role: str
    scopes: tuple[str, ...] | None
    lanes: tuple[str, ...] | None

    def headers(self) -> dict[str, str]:
        """The headers of its connection."""
        found = {"Nova-User": "ann", "Nova-Role": self.role, "Nova-Connection": "c"}
        if self.scopes is not None:
            found["Nova-Scopes"] = ",".join(self.scopes)
        if self.lanes is not None:
            found["Nova-Lanes"] = ",".join(self.lanes)
        return found

    def sees(self, event: Seen) -> bool:
        """The rule, said once more."""
        return (
            (self.scopes is None or event.scope in self.scopes)
            and (self.lanes is None or event.lane in self.lanes)
            and (self.role == "admin" or not event.is_audit)
        )

    @property
    def is_limited(self) -> bool:
        return self.scopes is not None or self.lanes is not None


def some(dice: random.Random, names: Sequence[str]) -> tuple[str, ...] | None:
    """None for all of them, or any number of them but none."""
    if dice.random() < 0.3:
        return None
    return tuple(dice.sample(names, dice.randint(1, len(names))))


def person(dice: random.Random) -> VisiblePerson:
    role = dice.choice(("admin", "operator", "viewer"))
    return VisiblePerson(role, some(dice, (*SCOPES, "unknown")), some(dice, SEEN_LANES))


def records() -> list[Record]:
    """Events of every scope and lane, and an audit trail in two of the scopes."""
    found = []
    for number in range(60):
        scope, lane = SCOPES[number % 3], SEEN_LANES[number % 5]
        at_ns = START_NS + number * 10**9
        unit = f"unit{number % 2}"
        found.append(telling(at_ns, {"n": number}, scope=scope, lane=lane, unit=unit))
    for number, scope in enumerate((SCOPES[0], SCOPES[1]) * (AUDITED // 2)):
        found.append(audited(START_NS + (70 + number) * 10**9, scope))
    return found


def audited(at_ns: int, scope: str) -> Record:
    """An audit event of another Core's scope."""
    members: JsonObject = msgspec.json.decode(telling(at_ns, scope=scope, lane="metadata").value)
    members |= {"systemId": "nova", "containerId": "audit", "uniqueId": "ann"}
    return Record(None, msgspec.json.encode(members))


def seen(stored: bytes) -> Seen:
    event: dict[str, str] = msgspec.json.decode(stored)
    entity = (event["scopeId"], event["systemId"], event["containerId"], event["uniqueId"])
    kind = "" if event["lane"] == "raw" else event["messageType"]
    series = (*entity, event["lane"], kind, event.get("viewId", ""))
    is_audit = entity[1:3] == ("nova", "audit")
    time = event["sourceTruthTime"]
    return Seen(event["scopeId"], event["lane"], entity, series, time, is_audit, stored)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    """A ground Core that holds the events."""
    settings = Settings(data=str(tmp_path), mode="ground", drivers=("jsonl",))
    async with running_core(settings) as core:
        await core.publish(records())
        yield core


async def everything(core: Core) -> list[Seen]:
    """All events in canonical order, and the audit trail among them, which is asked for by name."""
    async with await Client.to_core(core.data) as client:
        found = await core.settled(client, len(records()) - AUDITED)
        query = messages.Query(timebase="canonical", filters=AUDIT)
        trail: list[bytes] = []
        async with asyncio.timeout(WAIT_S):
            while len(trail) < AUDITED:
                trail = [event async for event in client.query(query)]
    return [seen(stored) for stored in sorted(found + trail, key=canonical_time)]


def canonical_time(stored: bytes) -> str:
    return str(msgspec.json.decode(stored)["canonicalTruthTime"])


@asynccontextmanager
async def connection(core: Core, person: VisiblePerson) -> AsyncIterator[Frames]:
    """A connection as an edge makes it for a principal."""
    connector = aiohttp.UnixConnector(str(endpoints.reader_socket(core.data)))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.ws_connect("http://localhost/", max_msg_size=0, headers=person.headers()) as ws,
    ):
        yield Frames(ws)


async def ask(frames: Frames, message: Message, reply: type[MessageT]) -> MessageT:
    await frames.send(message)
    received = await frames.receive()
    assert isinstance(received, reply), received
    return received


async def test_every_message_shows_what_a_principal_may_see(core: Core) -> None:
    """Scopes, lanes and the audit trail are hidden everywhere alike."""
    dice = random.Random(17)
    events = await everything(core)
    people = [VisiblePerson("viewer", None, None), VisiblePerson("admin", None, None)]
    people += [person(dice) for _ in range(PRINCIPALS)]
    for one in people:
        visible = [event for event in events if one.sees(event) and not event.is_audit]
        async with connection(core, one) as frames:
            await compare_events(frames, visible)
            await compare_series(frames, one, events, visible)
            await compare_counts(frames, one, visible)


async def compare_events(frames: Frames, visible: Sequence[Seen]) -> None:
    """Query, search, stream and neighbour, in both timebases and directions."""
    # Every event but the raw ones has an e in its type.
    words = timeline.FindText(text="E", timebase="canonical")
    found = (await ask(frames, words, timeline.FindTextResponse)).events
    assert list(map(bytes, found)) == [one.stored for one in visible if one.lane != "raw"]
    orders: dict[Timebase, list[bytes]] = {
        "canonical": [event.stored for event in visible],
        "source": [event.stored for event in sorted(visible, key=Seen.source_order)],
    }
    for timebase, stored in orders.items():
        page = await ask(frames, messages.Query(timebase=timebase), messages.QueryResponse)
        assert [bytes(event) for event in page.events] == stored
        start = messages.StartStream(
            playback_request_id=f"r-{timebase}",
            timeline_mode="REPLAY",
            rate="-max",
            timebase=timebase,
        )
        await frames.send(start)
        assert streamed(await frames.until(messages.StreamComplete)) == stored[::-1]
        step = timeline.Neighbour(time="2000-01-01T00:00:00Z", direction="next", timebase=timebase)
        beside = await ask(frames, step, timeline.NeighbourResponse)
        first = None if beside.event is UNSET else bytes(beside.event)
        assert first == next(iter(stored), None)


def streamed(replies: Iterable[Message]) -> list[bytes]:
    return [
        bytes(event)
        for chunk in replies
        if isinstance(chunk, messages.StreamChunk)
        for event in chunk.events
    ]


async def compare_series(
    frames: Frames, who: VisiblePerson, events: Sequence[Seen], visible: Sequence[Seen]
) -> None:
    """Latest, discover, states of views, fields and samples."""
    newest = {event.series: event.stored for event in visible}
    latest = await ask(frames, messages.Latest(timebase="canonical"), messages.LatestResponse)
    assert sorted(bytes(event) for event in latest.events) == sorted(newest.values())
    known = await ask(frames, messages.Discover(timebase="canonical"), messages.DiscoverResponse)
    listed = {
        (one.scope_id, one.system_id, one.container_id, one.unique_id, series.lane)
        for one in known.entities
        for series in one.series
    }
    assert listed == {(*event.entity, event.lane) for event in visible}
    states = await ask(frames, messages.GetUiState(timebase="canonical"), messages.UiStateResponse)
    assert {(one.scope_id, one.unique_id) for one in states.states} == {
        (event.scope, event.entity[3]) for event in visible if event.lane == "ui"
    }
    for event in {event.series: event for event in events}.values():
        await compare_fields(frames, event, who.sees(event))


async def compare_fields(frames: Frames, event: Seen, is_visible: bool) -> None:
    if event.lane not in ("ui", "parsed"):
        return
    scope, system, container, unit, _, kind, view = event.series
    lane: Literal["ui", "parsed"] = "ui" if event.lane == "ui" else "parsed"
    fields = timeline.Fields(
        scope_id=scope,
        system_id=system,
        container_id=container,
        unique_id=unit,
        lane=lane,
        message_type=kind,
        view_id=view,
    )
    listed = await ask(frames, fields, timeline.FieldsResponse)
    assert bool(listed.fields) == is_visible
    ids: dict[str, Any] = {name: getattr(fields, name) for name in SERIES_NAMES}
    sample = timeline.Sample(**ids, **SPAN, buckets=4, fields=["n"])
    sampled = await ask(frames, sample, timeline.SampleResponse)
    assert bool(sum(sampled.fields[0].count)) == is_visible
    runs = timeline.Find(**ids, field="n", condition="atLeast", value=0)
    found = await ask(frames, runs, timeline.FindResponse)
    read = await ask(frames, Columns(**ids, fields=["n"]), ColumnsResponse)
    assert bool(found.findings) == bool(read.rows) == bool(read.columns) == is_visible
    for reply in (sampled, found, read):
        assert reply.unknown_series is not is_visible, "what is hidden is unknown"


async def compare_counts(frames: Frames, who: VisiblePerson, visible: Sequence[Seen]) -> None:
    """Summary, extent and the reject log; nobody's counts contain the audit trail."""
    counted = Counter(event.lane for event in visible if not event.is_audit)
    request = timeline.Summary(**SPAN, buckets=8, timebase="source")
    summary = await ask(frames, request, timeline.SummaryResponse)
    assert {lane: sum(getattr(summary.lanes, lane)) for lane in LANES} == {
        lane: counted[lane] for lane in LANES
    }
    extent = await ask(frames, timeline.Extent(timebase="source"), timeline.ExtentResponse)
    times = [timestamps.parse(event.source) for event in visible]
    ends = (None, None) if not times else tuple(map(timestamps.text, (min(times), max(times))))
    assert (extent.start_time, extent.stop_time) == ends
    assert extent.events == sum(counted.values())
    telemetry = counted["ui"] + counted["parsed"] + counted["raw"]
    for filters in (Filters(), Filters(system_id="bus")):
        asked = timeline.Recordings(timebase="source", filters=filters, gap_seconds=86_400)
        found = (await ask(frames, asked, timeline.RecordingsResponse)).recordings
        assert sum(one.events or 0 for one in found) == telemetry
    status = await ask(frames, messages.Status(), messages.StatusResponse)
    assert status.limited == who.is_limited == (status.events == status.series == 0)
    await frames.send(messages.Rejects())
    reply = await frames.receive()
    assert isinstance(reply, Error) == who.is_limited


async def test_a_live_stream_brings_what_a_principal_may_see(core: Core) -> None:
    """As events come, whatever the request's own filters are."""
    dice = random.Random(18)
    await everything(core)
    fresh = [
        telling(START_NS + (100 + n) * 10**9, {"n": n}, scope=scope, lane=lane)
        for n, (scope, lane) in enumerate((s, lane) for s in SCOPES for lane in SEEN_LANES)
    ]
    fresh.append(audited(START_NS + 200 * 10**9, SCOPES[0]))
    await core.publish(fresh)  # Their DriverBindings come with the first of them.
    for number, one in enumerate(person(dice) for _ in range(6)):
        async with connection(core, one) as frames, connection(core, ADMIN) as witness:
            for to in (frames, witness):
                await to.send(
                    messages.StartStream(playback_request_id="live", timeline_mode="LIVE")
                )
                assert isinstance(await to.receive(), messages.StreamStarted)
            again = [moved(record, number) for record in fresh]
            await core.publish(again)
            sent = [seen(event) for event in await chunks(witness, len(fresh) - 1)]
            expected = [event.stored for event in sent if one.sees(event)]
            assert await chunks(frames, len(expected)) == expected


ADMIN = VisiblePerson("admin", None, None)


@pytest.mark.parametrize("role", ["admin", "operator", "viewer"])
async def test_the_trail_is_shown_to_admins_who_name_it(core: Core, role: str) -> None:
    """By query, stream, discover and latest; without its name no message shows it to anybody."""
    events = await everything(core)
    trail = [one.stored for one in events if one.is_audit and role == "admin"]
    async with connection(core, VisiblePerson(role, None, None)) as frames:
        asked = messages.Query(timebase="canonical", filters=AUDIT)
        page = await ask(frames, asked, messages.QueryResponse)
        assert [bytes(event) for event in page.events] == trail
        start = messages.StartStream(
            playback_request_id="r",
            timeline_mode="REPLAY",
            rate="max",
            timebase="canonical",
            filters=AUDIT,
        )
        await frames.send(start)
        assert streamed(await frames.until(messages.StreamComplete)) == trail
        known = await ask(frames, messages.Discover(filters=AUDIT), messages.DiscoverResponse)
        assert bool(known.entities) == bool(trail)
        latest = await ask(frames, messages.Latest(filters=AUDIT), messages.LatestResponse)
        assert bool(latest.events) == bool(trail)


async def chunks(frames: Frames, count: int) -> list[bytes]:
    """The next events of a stream, exactly this many."""
    found: list[bytes] = []
    while len(found) < count:
        found += streamed([await frames.receive()])
    assert len(found) == count
    return found


@pytest.mark.parametrize(
    ("who", "filters"),
    [
        (VisiblePerson("operator", ("alpha",), None), Filters()),
        (VisiblePerson("operator", None, ("parsed", "ui")), Filters()),
        (VisiblePerson("admin", None, None), Filters()),
        (VisiblePerson("admin", None, None), Filters(system_id="nova", container_id="audit")),
        (VisiblePerson("operator", None, None), Filters(system_id="nova", container_id="audit")),
    ],
)
async def test_an_export_holds_what_its_principal_may_see(
    core: Core, who: VisiblePerson, filters: Filters
) -> None:
    """The audit trail only for an admin who names it."""
    events = await everything(core)
    names_audit = filters.system_id is not None
    wanted = [event for event in events if who.sees(event) and event.is_audit == names_audit]
    async with connection(core, who) as frames:
        request = Export(timebase="canonical", driver="jsonl", filters=filters)
        await frames.send(request)
        assert isinstance(await frames.receive(), ExportStarted)
        replies = [await frames.receive()]
        while not isinstance(replies[-1], ExportComplete | ExportFailed):
            replies.append(await frames.receive())
        end = replies[-1]
        assert isinstance(end, ExportComplete), end
        assert end.events == len(wanted)
