"""`NatsTransport`: the transport of a NATS server or cluster with JetStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from nova.sdk.address import is_dispatch
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription
from nova.sdk.transport.link import LinkHealth, LinkState
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_nats.config import parse_url
from nova.transport_nats.consumer import NatsConsumption
from nova.transport_nats.naming import commands_of
from nova.transport_nats.publisher import PUBLISH_LIMITS, NatsPublisher, PublishLimits


class NatsTransport:
    """Publishes and consumes through one cluster; connects on first use."""

    def __init__(self, url: str, limits: PublishLimits = PUBLISH_LIMITS) -> None:
        self._limits = limits
        self._config = parse_url(url)
        self.link = self._config.link
        self._health = LinkHealth()
        self._link_health_reporter = LinkHealthReporter("nats", self.link, self._health)
        self._publisher: NatsPublisher | None = None
        self._consumptions: set[NatsConsumption] = set()
        self._command_consumptions: set[NatsConsumption] = set()
        self._is_closed = False

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Return when every replica of the stream has the records."""
        self._check_open()
        if self._publisher is None:
            self._publisher = NatsPublisher(self._config, self._link_health_reporter, self._limits)
        await self._publisher.publish(records)
        return Receipt()

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        """Batches from the given positions; streams without one start at their beginning."""
        self._check_open()
        consumption = NatsConsumption(
            self._config, self._link_health_reporter, subscription, positions
        )
        self._consumptions.add(consumption)
        try:
            while (batch := await consumption.next()) is not None:
                yield batch
        finally:
            await consumption.stop()
            # Not earlier: `close` waits for consumptions that are still being stopped.
            self._consumptions.discard(consumption)

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Nothing to do: the Core stores the positions."""

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Commands dispatched to a scope from now on."""
        self._check_open()
        consumption = NatsConsumption(
            self._config,
            self._link_health_reporter,
            Subscription(scope_id),
            {},
            only_new=commands_of(scope_id),
        )
        if listening is not None:
            consumption.discovered = listening
        self._command_consumptions.add(consumption)
        try:
            while (batch := await consumption.next()) is not None:
                for record in batch.records:
                    if is_dispatch(record.address):
                        yield record
        finally:
            await consumption.stop()
            self._command_consumptions.discard(consumption)

    def state(self) -> LinkState:
        """Connection state, outages, the ends of the streams that are read, and warnings."""
        ends: dict[str, int] = {}
        for consumption in self._consumptions:
            ends |= consumption.stream_ends()
        return self._health.state(ends)

    async def close(self) -> None:
        """Stop every consumption, wait for pending publishes and close all connections."""
        self._is_closed = True
        ending = self._consumptions | self._command_consumptions
        await asyncio.gather(*(consumption.stop() for consumption in ending))
        if self._publisher is not None:
            await self._publisher.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.link} is closed")
