"""Consuming: one session per archive, which the broker keeps while the Core is away.

MQTT has no positions. The positions of a link name its session and count what was received, so a
Core that starts again continues in its session, and the broker sends what was not acknowledged.
Nothing is subscribed to before the archive has the name of the session: otherwise a Core that was
killed early would leave its records in a session that nobody asks for.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from typing import Final

from nova.sdk.transport.base import Batch, Gap, Positions, Record, Rejection, Subscription
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_mqtt.broker_session import BrokerSession, ReceivedMessage
from nova.transport_mqtt.config import MqttConfig
from nova.transport_mqtt.device_events import DeviceEvents, DeviceRefusal
from nova.transport_mqtt.device_mapping import DeviceMapping
from nova.transport_mqtt.naming import OWN_PREFIX, address_of, foreign_address, topics_of

BATCH_MAX_RECORDS: Final = 1_000
BATCH_MAX_BYTES: Final = 2 * 1024 * 1024
SESSION_BITS: Final = 53
"""A number of a session is exact in every program that reads JSON."""

SESSION: Final = "session"
RECEIVED: Final = "received"
SUBSCRIBED: Final = "subscribed"

log = logging.getLogger(__name__)


class MqttConsumption:
    """One running `consume`: call `next` until it returns None, then `stop`."""

    def __init__(
        self,
        config: MqttConfig,
        reporter: LinkHealthReporter,
        subscription: Subscription,
        positions: Positions,
        devices: DeviceMapping | None = None,
    ) -> None:
        self._config = config
        self._reporter = reporter
        self._scope_id = subscription.scope_id
        self._devices = DeviceEvents(devices) if devices is not None else None
        self._number = positions.get(SESSION) or secrets.randbits(SESSION_BITS) + 1
        self._received = positions.get(RECEIVED, 0)
        self._is_subscribed = SUBSCRIBED in positions
        self._is_named = SESSION in positions
        self._own_batches: deque[Batch] = deque()
        self._unacknowledged: deque[tuple[Batch, list[ReceivedMessage]]] = deque()
        self._wake = asyncio.Event()
        self._session: BrokerSession | None = None
        self._is_stopped = False
        if self._is_named:
            self._open_session()
        else:
            self._own_batches.append(Batch([], {SESSION: self._number}))

    async def next(self) -> Batch | None:
        """The next batch, or None once stopped."""
        while not self._is_stopped:
            self._wake.clear()
            if self._own_batches:
                batch = self._own_batches.popleft()
                self._unacknowledged.append((batch, []))
                return batch
            batch_of_records = self._collect()
            if batch_of_records is not None:
                return batch_of_records
            await self._wake.wait()
        return None

    def acknowledge(self, batch: Batch) -> bool:
        """Acknowledge a batch and what was before it; returns whether it is of this consumption."""
        if not any(one is batch for one, _ in self._unacknowledged):
            return False
        while True:
            first, deliveries = self._unacknowledged.popleft()
            for delivery in deliveries:
                if self._session is not None:
                    self._session.acknowledge(delivery)
            if SESSION in first.positions and self._session is None and not self._is_stopped:
                self._open_session()
            if first is batch:
                return True

    async def stop(self) -> None:
        """Stop reading; the broker keeps the session."""
        self._is_stopped = True
        self._wake.set()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open_session(self) -> None:
        self._session = BrokerSession(
            self._config,
            self._reporter,
            f"nova-{self._number:x}",
            [topics_of(self._scope_id), *(self._devices.filters if self._devices else ())],
            expiry_s=self._config.expiry_s,
            on_new_session=self._on_new_session,
        )
        self._session.arrived = self._wake

    def _on_new_session(self) -> None:
        """Remember that the session is subscribed; one that had been is a loss."""
        place = {SESSION: self._number, RECEIVED: self._received, SUBSCRIBED: 1}
        gaps = []
        if self._is_subscribed:
            name = f"nova-{self._number:x}"
            log.error("mqtt gap: the broker has lost the session %s: %s", name, self._config.link)
            gaps.append(
                Gap(name, None, self._received, self._received, "recreated", self._scope_id)
            )
        self._is_subscribed = True
        self._own_batches.append(Batch([], place, gaps))
        self._wake.set()

    def _collect(self) -> Batch | None:
        if self._session is None:
            return None
        deliveries = self._session.take(BATCH_MAX_RECORDS, BATCH_MAX_BYTES)
        if not deliveries:
            return None
        batch = self._batch_of(deliveries)
        self._unacknowledged.append((batch, deliveries))
        return batch

    def _batch_of(self, deliveries: list[ReceivedMessage]) -> Batch:
        batch_records: list[Record] = []
        refusals: list[Rejection] = []
        for delivery in deliveries:
            position = f"nova-{self._number:x}@{self._received}"
            self._received += 1
            records, refusal = self._records_of(delivery)
            if refusal is not None:
                refusals.append(Rejection(len(batch_records), *refusal))
            batch_records += [record._replace(position=position) for record in records]
        positions = {SESSION: self._number, RECEIVED: self._received}
        return Batch(batch_records, positions, refusals=refusals)

    def _records_of(self, delivery: ReceivedMessage) -> tuple[list[Record], DeviceRefusal | None]:
        """The records of a message; of one that is none, it is one with the reason."""
        topic, payload = delivery.topic, delivery.payload
        if self._devices is None or topic.startswith(OWN_PREFIX):
            return [Record(address_of(topic), payload)], None
        found = self._devices.records(topic, payload, delivery.received_ns)
        if isinstance(found, DeviceRefusal):
            return [Record(foreign_address(topic), payload)], found
        return found, None
