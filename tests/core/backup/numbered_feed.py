"""Numbered events that are published to a broker, and what has become of them in an archive."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from pathlib import Path

import msgspec

from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity
from nova.sdk.producer.producer import Producer
from nova.sdk.protocol.messages import Filters, Query
from nova.sdk.transport.base import connect

EPS = Entity("bus", "power", "eps")
BATCH = 50
WAIT_S = 120
START_NS = timestamps.parse("2026-01-01T00:00:00Z")


class NumberedFeed:
    """Publishes to a scope of its own; `published` counts what the broker has confirmed."""

    def __init__(self, url: str) -> None:
        self.url, self.scope = url, f"backup-{uuid.uuid4().hex[:8]}"
        self.published = 0

    async def publish(self, batches: int) -> None:
        transport = connect(self.url)
        producer = Producer(transport, self.scope)
        for _ in range(batches):
            numbers = range(self.published, self.published + BATCH)
            await producer.send([self._event(producer, number) for number in numbers])
            self.published += BATCH
        await transport.close()

    def _event(self, producer: Producer, number: int) -> Event:
        observed = producer.observe(EPS, START_NS + number * 1_000_000)
        return observed.parsed("Count", {"n": number})

    async def arrived(self, data: Path) -> None:
        """Wait until a running archive holds exactly what was published, each event once."""
        every = Counter(range(self.published))
        async with asyncio.timeout(WAIT_S):
            while (found := await _numbers_in(data)) != every:
                assert found <= every
                await asyncio.sleep(0.1)


async def _numbers_in(data: Path) -> Counter[int]:
    """How often each number is in a running archive."""
    query = Query(filters=Filters(message_types=["Count"]))
    async with await Client.to_core(data) as client:
        found = [msgspec.json.decode(event) async for event in client.query(query)]
    return Counter(event["payload"]["n"] for event in found)
