"""`MqttTransport`: the transport of a broker of MQTT 5."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Positions, Receipt, Record, Subscription
from nova.sdk.transport.link import LinkHealth, LinkState
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_mqtt.command_listening import MqttListening
from nova.transport_mqtt.config import parse_url
from nova.transport_mqtt.consumer import MqttConsumption
from nova.transport_mqtt.device_mapping import read_mapping
from nova.transport_mqtt.publisher import MqttPublisher


class MqttTransport:
    """Publishes and consumes through one broker; connects on first use."""

    def __init__(self, url: str) -> None:
        self._config = parse_url(url)
        self.link = self._config.link
        path = self._config.devices
        self._devices = read_mapping(path) if path is not None else None
        self._health = LinkHealth()
        self._reporter = LinkHealthReporter("mqtt", self.link, self._health)
        self._publisher: MqttPublisher | None = None
        self._consumptions: set[MqttConsumption] = set()
        self._listenings: set[MqttListening] = set()
        self._is_closed = False

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Return when the broker has saved the records for the Cores that are subscribed."""
        self._check_open()
        if self._publisher is None:
            self._publisher = MqttPublisher(self._config, self._reporter)
        await self._publisher.publish(records)
        return Receipt()

    async def consume(
        self, subscription: Subscription, positions: Positions
    ) -> AsyncIterator[Batch]:
        """Batches of the session that the positions name; without them, of a new one."""
        self._check_open()
        consumption = MqttConsumption(
            self._config, self._reporter, subscription, positions, self._devices
        )
        self._consumptions.add(consumption)
        try:
            while (batch := await consumption.next()) is not None:
                yield batch
        finally:
            await consumption.stop()
            self._consumptions.discard(consumption)

    async def acknowledge(self, batch: Batch, receipt: Receipt) -> None:
        """Let the broker forget what is stored."""
        for consumption in self._consumptions:
            if consumption.acknowledge(batch):
                return

    async def commands(
        self, scope_id: str, listening: asyncio.Event | None = None
    ) -> AsyncIterator[Record]:
        """Commands dispatched to a scope from now on."""
        self._check_open()
        own = MqttListening(self._config, self._reporter, scope_id, listening)
        self._listenings.add(own)
        try:
            while (record := await own.next()) is not None:
                yield record
        finally:
            await own.stop()
            self._listenings.discard(own)

    def state(self) -> LinkState:
        """Connection state and outages. What a session holds is known to the broker alone."""
        return self._health.state({})

    async def close(self) -> None:
        """Stop every consumption and listening, and close all connections."""
        self._is_closed = True
        await asyncio.gather(
            *(consumption.stop() for consumption in self._consumptions),
            *(own.stop() for own in self._listenings),
        )
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise TransportError(f"{self.link} is closed")
