"""A Core and its links: topics that appear later, broker outages, and records that were deleted
unread.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from nova.sdk.client.client import Client
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Discover, Filters, LinkInfo, Query
from nova.sdk.transport.base import Record, connect
from nova.testkit import kafka, nats
from nova.testkit.broker import bootstrap_servers
from nova.testkit.nats_server import NatsServer
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer
from tests.e2e.shipped import MANIFESTS

KILLS_FEW, KILLS = 2, 5
BURST_EVENTS = 50
WAIT_S = 60.0


@pytest.fixture(scope="module")
def broker() -> Iterator[BackendServer]:
    """A Kafka of these tests' own, without any topic at first."""
    with kafka.own_broker() as broker:
        yield broker


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """A NATS of one's own."""
    with nats.own_server() as server:
        yield server


@pytest.fixture
def scope() -> str:
    """A scope of one's own."""
    return f"links-{uuid.uuid4().hex[:8]}"


def records(scope: str, first: int, count: int) -> list[Record]:
    """Numbered events."""
    observer = Observer(scope)
    entity = Entity("bus", "obc", "counter")
    return [
        record_of(observer.observe(entity, n * 1_000_000).parsed("Count", {"number": n}))
        for n in range(first, first + count)
    ]


async def publish(url: str, what: list[Record]) -> None:
    """Publish, again and again while that fails."""
    transport = connect(url)
    try:
        await Producer(transport, "any").publish(what)
    finally:
        await transport.close()


async def link_when(client: Client, until: Callable[[LinkInfo], bool]) -> LinkInfo:
    """The one link, once it is as it should be."""
    async with asyncio.timeout(WAIT_S):
        while not (links := (await client.status()).links) or not until(links[0]):
            await asyncio.sleep(0.1)
    return links[0]


async def numbers(client: Client, scope: str) -> list[int]:
    """What was published in a scope, in the order of arrival."""
    filters = Filters(scope_ids=[scope], message_types=["Count"])
    query = Query(filters=filters, timebase="canonical")
    return [msgspec.json.decode(e)["payload"]["number"] async for e in client.query(query)]


async def arrived(client: Client, scope: str, count: int) -> None:
    """Wait for this many events of a scope."""
    async with asyncio.timeout(WAIT_S):
        while len(await numbers(client, scope)) < count:
            await asyncio.sleep(0.1)


@pytest.mark.kafka
def test_a_ground_core_archives_scopes_as_they_appear(
    tmp_path: Path, broker: BackendServer
) -> None:
    """A-108, A-286…A-289: it starts before any topic exists, and needs no restart for new ones."""

    async def check(data: Path) -> None:
        async with await Client.to_core(data) as client:
            before = await client.status()
            assert (before.mode, before.scope_id, before.timebase) == ("ground", None, "canonical")
            for number, scope in enumerate(("sat-a", "sat-b", "sat-c"), start=1):
                await publish(broker.url, records(scope, 0, 10))
                await arrived(client, scope, 10)
                assert (await client.status()).events == 10 * number + MANIFESTS
            found = await client.discover(Discover())
            assert [entity.scope_id for entity in found.entities] == ["sat-a", "sat-b", "sat-c"]

    with running_nova(tmp_path / "data", "--ground", "--transport", broker.url) as nova:
        asyncio.run(check(nova.data))
        nova.kill()


@pytest.mark.kafka
def test_what_retention_took_while_the_core_was_down_is_an_event(
    tmp_path: Path, broker: BackendServer, scope: str
) -> None:
    """Pitfalls row 14: the range that was never read is reported where telemetry is."""
    arguments = ("--scope", scope, "--transport", broker.url)
    topic = f"nova.{scope}.parsed.v1"

    async def first(data: Path) -> None:
        await publish(broker.url, records(scope, 0, 10))
        async with await Client.to_core(data) as client:
            await arrived(client, scope, 10)

    async def second(data: Path) -> None:
        async with await Client.to_core(data) as client:
            link = await link_when(client, lambda link: link.gaps > 0)
            await arrived(client, scope, 15)
            assert await numbers(client, scope) == [*range(10), *range(25, 30)]
            query = Query(filters=Filters(message_types=["IngestGap"]))
            (told,) = [msgspec.json.decode(e) async for e in client.query(query)]
            assert (link.gaps, told["scopeId"], told["lane"]) == (1, scope, "metadata")
            assert told["payload"] == {
                "link": broker.url,
                "topic": topic,
                "partition": 0,
                "from": 10,
                "to": 25,
                "reason": "retention",
            }

    with running_nova(tmp_path / "data", *arguments) as nova:
        asyncio.run(first(nova.data))
    asyncio.run(publish(broker.url, records(scope, 10, 20)))
    with AdminClient({"bootstrap.servers": bootstrap_servers(broker.url)}) as admin:
        for done in admin.delete_records([TopicPartition(topic, 0, 25)]).values():
            done.result()
    with running_nova(tmp_path / "data", *arguments) as nova:
        asyncio.run(second(nova.data))
        nova.kill()


@asynccontextmanager
async def telemetry(url: str, scope: str) -> AsyncIterator[list[int]]:
    """A producer that continues for as long as the block runs; how many it got acknowledged."""
    sent = [0]
    stopping = asyncio.Event()

    async def run() -> None:
        while not stopping.is_set():
            await publish(url, records(scope, sent[0], BURST_EVENTS))
            sent[0] += BURST_EVENTS
            await asyncio.sleep(0.05)

    producing = asyncio.create_task(run())
    try:
        yield sent
        stopping.set()
        await producing
    finally:
        producing.cancel()


def kill_again_and_again(data_folder: Path, broker: BackendServer, scope: str, kills: int) -> None:
    """Kill and restart what a Core ingests from, while a producer continues."""

    async def check(data: Path) -> None:
        async with await Client.to_core(data) as client, telemetry(broker.url, scope) as sent:
            for round_number in range(1, kills + 1):
                goal = await _goal(client, scope)
                await arrived(client, scope, goal)
                await asyncio.to_thread(broker.kill)
                down = await link_when(client, lambda link: link.connection == "unreachable")
                assert down.outages == round_number
                assert down.last_outage is not None and down.last_outage.ended is None
                assert len(await numbers(client, scope)) >= goal
                await asyncio.to_thread(broker.start)
                up = await link_when(client, lambda link: link.connection == "connected")
                assert up.last_outage is not None and up.last_outage.ended is not None
        async with await Client.to_core(data) as client:
            await arrived(client, scope, sent[0])
            found = await numbers(client, scope)
            assert sorted(found) == list(range(sent[0]))
            assert (await client.status()).links[0].gaps == 0

    with running_nova(data_folder, "--scope", scope, "--transport", broker.url) as nova:
        asyncio.run(check(nova.data))
        nova.kill()


@pytest.mark.kafka
@pytest.mark.parametrize("kills", [1, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_a_kafka_broker_killed_loses_nothing_and_people_see_it(
    tmp_path: Path, broker: BackendServer, scope: str, kills: int
) -> None:
    """Pitfalls row 12: the archive serves meanwhile, and ingest continues by itself."""
    kill_again_and_again(tmp_path / "data", broker, scope, kills)


@pytest.mark.nats
@pytest.mark.parametrize("kills", [KILLS_FEW, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_a_nats_server_killed_loses_nothing_and_people_see_it(
    tmp_path: Path, server: NatsServer, scope: str, kills: int
) -> None:
    """Pitfalls row 12: the same for NATS."""
    kill_again_and_again(tmp_path / "data", server, scope, kills)


async def _goal(client: Client, scope: str) -> int:
    """Some more than there is, so that the link has worked when it is reached."""
    return len(await numbers(client, scope)) + 2 * BURST_EVENTS
