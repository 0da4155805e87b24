"""`KafkaTransport`: the transport of a Kafka or Redpanda cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from nova.sdk.address import is_dispatch
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription
from nova.sdk.transport.link import LinkHealth, LinkState
from nova.transport_kafka.command_assignment import CommandAssignment
from nova.transport_kafka.config import parse_url
from nova.transport_kafka.consumer import KafkaConsumption
from nova.transport_kafka.publisher import KafkaPublisher
from nova.transport_kafka.topics import ADMIN_TIMEOUT_S


class KafkaTransport:
    """Publishes and consumes through one cluster; connects on first use.

    Positions that the broker no longer holds are reported before reading continues: in the log, and
    as the gaps of a batch that moves the stored positions over them.
    """

    def __init__(self, url: str, admin_timeout_s: float = ADMIN_TIMEOUT_S) -> None:
        self._config = parse_url(url)
        self.link = self._config.link
        self._health = LinkHealth()
        self._publisher = KafkaPublisher(self._config, self._health, admin_timeout_s)
        self._consumptions: set[KafkaConsumption] = set()
        self._command_consumptions: set[KafkaConsumption] = set()
        self._is_closed = False

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Return when every in-sync replica has the records."""
        self._check_open()
        await self._publisher.publish(records)
        return Receipt()

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        """Batches from the given positions; partitions without one start at their beginning."""
        self._check_open()
        consumption = KafkaConsumption(self._config, subscription, positions, self._health)
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
        subscription = Subscription(scope_id)
        consumption = KafkaConsumption(
            self._config, subscription, {}, self._health, CommandAssignment
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
        """Whether the cluster replies, and the ends of the partitions that are being read."""
        ends: Positions = {}
        for consumption in self._consumptions:
            ends |= consumption.end_offsets
        return self._health.state(ends)

    async def close(self) -> None:
        """Stop every consumption, flush pending records and end all threads."""
        self._is_closed = True
        ending = self._consumptions | self._command_consumptions
        await asyncio.gather(*(consumption.stop() for consumption in ending))
        await self._publisher.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.link} is closed")
