"""The writer is killed repeatedly while it ingests from Kafka, over MQTT the broker too; nothing is
lost or stored twice.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nova.core.ordering import time_of
from nova.core.store.archive import Archive
from nova.core.store.scan import scan
from nova.core.writer.committer import Committer
from nova.sdk.client.client import Client
from nova.sdk.errors import TransportError
from nova.sdk.events.event import Event, check_stored
from nova.sdk.events.observation import Entity, Observer, record_of
from nova.sdk.transport.base import connect
from nova.testkit.record_reader import stream_positions
from nova.testkit.running_nova import running_nova
from nova.testkit.test_server import BackendServer
from tests.core.telling import rollups_by_hand, rollups_of, told
from tests.e2e.shipped import MANIFESTS

KILLS, MANY_KILLS = 4, 100
MQTT_MANY_KILLS, MQTT_EVENTS, MQTT_MANY_EVENTS = 20, 4_000, 20_000
VICTIMS = ("core", "broker", "both")
EVENTS, MANY_EVENTS = 10_000, 30_000
PUBLISH_EVENTS = 250
EVERYTHING = (b"", b"\xff" * 64)


@contextmanager
def writer(data: Path, scope: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A writer process of its own, ready."""
    arguments = ("core", "writer", "--data", str(data), "--exit-with-stdin")
    process = subprocess.Popen(
        [sys.executable, "-m", "nova.cli", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "NOVA_SCOPE": scope, "NOVA_TRANSPORTS": url},
    )
    with process:
        assert process.stdout is not None and process.stdout.readline()
        yield process


def events_of(scope: str, count: int) -> list[Event]:
    """What is published: frames and messages of a few entities."""
    observer = Observer(scope)
    found: list[Event] = []
    for number in range(count // 2):
        observation = observer.observe(Entity("bus", "obc", f"u{number % 7}"), number * 1_000_000)
        found.append(observation.raw(number.to_bytes(8, "big")))
        found.append(observation.parsed("Count", {"number": number}))
    return found


def publish(url: str, events: list[Event], stop: threading.Event) -> None:
    """Publish all events bit by bit, every tenth part twice, as a producer that retries does."""

    async def run() -> None:
        transport = connect(url)
        for start in range(0, len(events), PUBLISH_EVENTS):
            records = [record_of(event) for event in events[start : start + PUBLISH_EVENTS]]
            await transport.publish(records)
            if start % (10 * PUBLISH_EVENTS) == 0:
                await transport.publish(records)
            if not stop.is_set():
                await asyncio.sleep(0.1)
        await transport.close()

    asyncio.run(run())


async def wait_for_all(data: Path, count: int) -> None:
    """Until the archive holds this many events and everything of the topic has been consumed."""
    async with await Client.to_core(data) as client:
        while (status := await client.status()).events < count or any(
            sum(stream_positions(link.positions).values()) < count for link in status.links
        ):
            await asyncio.sleep(0.1)


def archived(data: Path) -> tuple[list[str], dict[str, dict[str, int]], int]:
    """The eventIds in canonical order, the positions, and the events that the counters claim."""
    archive = Archive.open_primary(data)
    try:
        committer = Committer(archive, data)
        ids = []
        rows = 0
        for key, value in archive.events.scan("canonical"):
            event, canonical_ns = check_stored(value)
            assert time_of(key) == canonical_ns
            rows += 1
            if event.series.message_type != "ManifestPublished":
                ids.append(event.event_id.hex())
        links = {link: committer.load_positions(link) for link in committer.counters.links}
        for family in ("source", "series_canonical", "series_source"):
            assert sum(1 for _ in scan(archive.families[family], *EVERYTHING)) == rows
        assert rollups_of(archive) == rollups_by_hand(told(archive))
        return ids, links, committer.counters.events
    finally:
        archive.close()


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("kills", "count"),
    [(KILLS, EVENTS), pytest.param(MANY_KILLS, MANY_EVENTS, marks=pytest.mark.slow)],
)
def test_kills_lose_nothing_and_store_nothing_twice(
    tmp_path: Path, kafka_broker: BackendServer, kills: int, count: int
) -> None:
    """A-080…A-085, AMB-18: every event once and exact positions after SIGKILL at random moments."""
    data, scope, url = tmp_path / "data", f"crash-{uuid.uuid4().hex[:8]}", kafka_broker.url
    events, stop, dice = events_of(scope, count), threading.Event(), random.Random(kills)
    producer = threading.Thread(target=publish, args=(url, events, stop))
    producer.start()
    try:
        for _ in range(kills):
            with writer(data, scope, url) as process:
                with_luck_in_the_middle = dice.uniform(0.05, 0.6)
                threading.Event().wait(with_luck_in_the_middle)
                process.kill()
    finally:
        stop.set()
        producer.join()
    with running_nova(data, "--scope", scope, "--transport", url) as nova:
        asyncio.run(wait_for_all(nova.data, count + MANIFESTS))
    ids, links, counted = archived(data)
    assert sorted(ids) == sorted(event.event_id.hex() for event in events)
    assert counted == count + MANIFESTS
    (positions,) = links.values()
    duplicates = (count // (10 * PUBLISH_EVENTS)) * PUBLISH_EVENTS
    assert sum(stream_positions(positions).values()) == count + duplicates


def publish_until_acknowledged(url: str, events: list[Event], stop: threading.Event) -> None:
    """Publish all events bit by bit, each part until it is acknowledged; none after that."""

    async def run() -> None:
        transport = connect(url)
        for start in range(0, len(events), PUBLISH_EVENTS):
            records = [record_of(event) for event in events[start : start + PUBLISH_EVENTS]]
            while True:
                try:
                    await transport.publish(records)
                    break
                except TransportError:
                    await asyncio.sleep(0.05)
            if not stop.is_set():
                await asyncio.sleep(0.2)
        await transport.close()

    asyncio.run(run())


def kill_all_in_turns(
    data: Path, scope: str, broker: BackendServer, kills: int, dice: random.Random
) -> None:
    """Kill the Core, the broker, and both at once, and start them again."""
    for number in range(kills):
        victim = VICTIMS[number % len(VICTIMS)]
        with writer(data, scope, broker.url) as process:
            threading.Event().wait(dice.uniform(0.2, 0.8))
            if victim != "core":
                broker.kill()
            if victim != "broker":
                process.kill()
            if victim != "core":
                threading.Event().wait(dice.uniform(0, 0.2))
                broker.start()
            threading.Event().wait(dice.uniform(0, 0.4))
            process.kill()


async def wait_for_events(data: Path, count: int) -> None:
    """Until the archive holds this many events."""
    async with await Client.to_core(data) as client:
        while (await client.status()).events < count:
            await asyncio.sleep(0.1)


@pytest.mark.mqtt
@pytest.mark.parametrize(
    ("kills", "count"),
    [
        (KILLS, MQTT_EVENTS),
        pytest.param(MQTT_MANY_KILLS, MQTT_MANY_EVENTS, marks=pytest.mark.slow),
    ],
)
def test_kills_of_broker_and_core_lose_nothing_that_was_acknowledged(
    tmp_path: Path, own_mqtt_broker: BackendServer, kills: int, count: int
) -> None:
    """Over MQTT the broker has the only copy until the Core has it, and either may be killed."""
    data, scope, broker = tmp_path / "data", f"crash-{uuid.uuid4().hex[:8]}", own_mqtt_broker
    events, stop, dice = events_of(scope, count), threading.Event(), random.Random(kills)
    arguments = (broker.url, events, stop)
    producer = threading.Thread(target=publish_until_acknowledged, args=arguments)
    producer.start()
    try:
        kill_all_in_turns(data, scope, broker, kills, dice)
    finally:
        stop.set()
        with running_nova(data, "--scope", scope, "--transport", broker.url) as nova:
            producer.join()
            asyncio.run(wait_for_events(nova.data, count + MANIFESTS))
            nova.kill()
    ids, _, counted = archived(data)
    assert sorted(ids) == sorted(event.event_id.hex() for event in events)
    assert counted == count + MANIFESTS
