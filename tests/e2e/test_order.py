"""One order, whatever the arrival: links, partitions, repetitions and losses leave no trace in
source order.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from bench.work import Work
from nova.core.store.archive import Archive
from nova.sdk.client.client import Client
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import StatusResponse
from nova.sdk.transport.base import Record, connect
from nova.testkit import kafka, mqtt, nats
from nova.testkit.broker import bootstrap_servers
from nova.testkit.nats_server import NatsServer
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer
from tests.e2e.shipped import MANIFESTS

SCOPE = "order"
REPEATED_SHARE, LOST_SHARE, LATE_SHARE = 0.2, 0.1, 0.05
PUBLISH_RECORDS = 1_000
WAIT_S = 150.0

pytestmark = [pytest.mark.kafka, pytest.mark.mqtt, pytest.mark.nats]


def events(count: int) -> list[Record]:
    """Events of every lane but command, some of them days late, in the order of their making."""
    return Work(count, scope=SCOPE, late=LATE_SHARE).records()


def disorder(records: Sequence[Record], seed: int) -> list[Record]:
    """A fifth of them twice, and all of them shuffled."""
    dice = random.Random(seed)
    sent = [*records, *dice.choices(records, k=int(len(records) * REPEATED_SHARE))]
    dice.shuffle(sent)
    return sent


def losses(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """What each of two links still carries: both lose a tenth, and none the same as the other."""
    dice = random.Random(7)
    chances = [dice.random() for _ in records]
    pairs = list(zip(records, chances, strict=True))
    first = [record for record, chance in pairs if chance >= LOST_SHARE]
    second = [record for record, chance in pairs if not LOST_SHARE <= chance < 2 * LOST_SHARE]
    return first, second


async def send(url: str, records: Sequence[Record]) -> None:
    """Publish everything in the order given."""
    transport = connect(url)
    try:
        for start in range(0, len(records), PUBLISH_RECORDS):
            await Producer(transport, SCOPE).publish(records[start : start + PUBLISH_RECORDS])
    finally:
        await transport.close()


async def all_received(data: Path, count: int) -> StatusResponse:
    """The state of the Core once everything that was sent has reached it."""
    async with asyncio.timeout(WAIT_S), await Client.to_core(data) as client:
        while True:
            status = await client.status()
            if sum(link.received for link in status.links) >= count:
                return status
            await asyncio.sleep(0.1)


def digest(data: Path) -> str:
    """SHA-256 over the eventIds in source order."""
    archive = Archive.open_primary(data)
    try:
        rows = archive.events.scan("source")
        return hashlib.sha256(b"".join(key[9:] for key, _ in rows)).hexdigest()
    finally:
        archive.close()


def archived(data: Path, sent: dict[str, list[Record]], distinct: int) -> str:
    """The digest of what a Core makes of records that it takes from some links at once."""

    async def run(publish: str, folder: Path) -> None:
        urls = {"local": publish}
        await asyncio.gather(*(send(urls.get(url, url), what) for url, what in sent.items()))
        status = await all_received(folder, sum(len(what) for what in sent.values()))
        assert (status.events, status.rejects) == (distinct + MANIFESTS, 0)

    links = [argument for url in sent if url != "local" for argument in ("--transport", url)]
    with running_nova(data, "--scope", SCOPE, *links) as nova:
        asyncio.run(run(nova.publish, nova.data))
    return digest(data)


@pytest.fixture(scope="module")
def broker() -> Iterator[BackendServer]:
    """A Kafka of these tests' own, for all runs use the same scope."""
    with kafka.own_broker() as broker:
        yield broker


@pytest.fixture
def servers() -> Iterator[list[NatsServer]]:
    """Two NATS servers, so that one run finds nothing of the other's."""
    with nats.own_server() as first, nats.own_server() as second:
        yield [first, second]


@pytest.fixture
def sessions() -> Iterator[BackendServer]:
    """An MQTT broker of this test's own."""
    with mqtt.own_broker() as broker:
        yield broker


def forget_topics(broker: BackendServer) -> None:
    """Leave the broker as it was found."""
    with AdminClient({"bootstrap.servers": bootstrap_servers(broker.url)}) as admin:
        topics = [name for name in admin.list_topics().topics if name.startswith("nova.")]
        for done in admin.delete_topics(topics).values():
            done.result()
        while any(name.startswith("nova.") for name in admin.list_topics().topics):
            pass


@pytest.mark.parametrize("count", [1_500, pytest.param(200_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(900)
def test_the_order_does_not_depend_on_the_way(
    tmp_path: Path,
    broker: BackendServer,
    sessions: BackendServer,
    servers: list[NatsServer],
    count: int,
) -> None:
    """Invariant 2: shuffled, repeated, over any transport, and over two that each lose a tenth."""
    made = events(count)
    digests = {"local": archived(tmp_path / "local", {"local": disorder(made, 1)}, count)}
    for partitions in (1, 8):
        sent = {f"{broker.url}?partitions={partitions}": disorder(made, 1 + partitions)}
        digests[f"kafka, {partitions}"] = archived(tmp_path / f"kafka-{partitions}", sent, count)
        forget_topics(broker)
    digests["nats"] = archived(tmp_path / "nats", {servers[0].url: disorder(made, 20)}, count)
    digests["mqtt"] = archived(tmp_path / "mqtt", {sessions.url: disorder(made, 25)}, count)
    first, second = losses(made)
    assert len(first) < count > len(second)
    sent = {broker.url: disorder(first, 30), servers[1].url: disorder(second, 40)}
    digests["kafka + nats, lossy"] = archived(tmp_path / "both", sent, count)
    forget_topics(broker)
    assert len(set(digests.values())) == 1, digests
