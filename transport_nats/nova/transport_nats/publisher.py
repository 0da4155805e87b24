"""Publishing: records are sent without waiting for each other; each is acknowledged.

At most `WINDOW_RECORDS` are in flight. A record without acknowledgement has an unknown outcome,
which is an error: the caller may send it again, since NOVA's store drops duplicates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from nova.sdk.address import Address
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.transport_nats import cancellation, naming
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.connection import NatsConnection
from nova.transport_nats.link_health import LinkHealthReporter
from nova.transport_nats.streams import StreamCreator

WINDOW_RECORDS = 1_000
REFILL_RECORDS = 500
PENDING_UNLIMITED = 0


class PublishLimits(NamedTuple):
    """How long a publish waits for its server."""

    connect_timeout_s: float = 15.0
    ack_timeout_s: float = 15.0
    """How long to wait without a single acknowledgement while records are in flight."""


PUBLISH_LIMITS = PublishLimits()


class _PublishError(msgspec.Struct):
    description: str = "no reason given"


class _PublishAck(msgspec.Struct):
    seq: int = 0
    error: _PublishError | None = None


class PendingAcknowledgements:
    """The acknowledgements of one publish; `done` resolves with the last one."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.tokens: list[str] = []
        self.is_sent = False
        self.acknowledged = 0
        self.failure: str | None = None

    def acknowledge(self) -> None:
        self.acknowledged += 1
        if self.is_sent and self.acknowledged == len(self.tokens):
            self._resolve()

    def all_sent(self) -> None:
        """All records of the publish have been sent."""
        self.is_sent = True
        if self.acknowledged == len(self.tokens):
            self._resolve()

    def fail(self, reason: str) -> None:
        """A record will not be acknowledged; resolves `done`."""
        self.failure = self.failure or reason
        self._resolve()

    def _resolve(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class NatsPublisher:
    """Sends records in call order; several calls may run at once."""

    def __init__(
        self,
        config: NatsConfig,
        link_health: LinkHealthReporter,
        limits: PublishLimits = PUBLISH_LIMITS,
    ) -> None:
        self._config = config
        self._limits = limits
        self._connection = NatsConnection(config, link_health, self._on_change)
        self._streams = StreamCreator(config, link_health)
        self._generation = 0
        self._lock = asyncio.Lock()
        self._room = asyncio.Event()
        self._pending: dict[str, PendingAcknowledgements] = {}
        self._subscribed_client: Client | None = None
        self._inbox = ""
        self._last_token = 0

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged; raises TransportError if one is not."""
        if not records:
            return
        targets = [self._target(index, record) for index, record in enumerate(records)]
        delivery = PendingAcknowledgements()
        try:
            async with self._lock:
                client = await self._prepare(targets, records)
                await self._send(client, records, delivery)
            await self._wait_for(delivery)
        finally:
            for token in delivery.tokens:
                self._pending.pop(token, None)
            self._room.set()
        if delivery.failure is not None:
            self._streams.clear_cache()
            missing = len(records) - delivery.acknowledged
            raise TransportError(
                f"{missing} of {len(records)} records were not acknowledged by "
                f"{self._config.link}: {delivery.failure}"
            )

    async def close(self) -> None:
        """Wait for pending acknowledgements, then close the connection."""
        async with self._lock:
            deliveries = {id(d): d.done for d in self._pending.values()}
            if deliveries:
                await asyncio.wait(deliveries.values(), timeout=self._limits.ack_timeout_s)
            await self._connection.close()
            self._fail_pending("the transport was closed")

    def _target(self, index: int, record: Record) -> Address:
        try:
            return naming.parse_address(record.address)
        except TransportError as error:
            raise TransportError(f"record {index} to publish: {error}") from None

    async def _prepare(self, targets: Sequence[Address], records: Sequence[Record]) -> Client:
        """The client, with the inbox subscribed and streams for all targets."""
        self._connection.start()
        client = await self._connection.client(self._limits.connect_timeout_s)
        largest_bytes = client.max_payload
        for index, record in enumerate(records):
            if len(record.value) > largest_bytes:
                raise TransportError(
                    f"record {index} has {len(record.value)} bytes; {self._config.link} accepts "
                    f"{largest_bytes}: raise max_payload in the server's configuration"
                )
        await self._streams.ensure(client, dict.fromkeys(targets))
        if self._subscribed_client is not client:
            inbox = client.new_inbox()
            try:
                await client.subscribe(
                    f"{inbox}.*",
                    cb=self._on_acknowledgement,
                    # One per record sent, including those of cancelled publishes; each is small.
                    pending_msgs_limit=PENDING_UNLIMITED,
                )
            except Error as error:
                raise TransportError(f"lost connection to {self._config.link}: {error}") from None
            self._subscribed_client, self._inbox = client, f"{inbox}."
        return client

    async def _send(
        self, client: Client, records: Sequence[Record], delivery: PendingAcknowledgements
    ) -> None:
        generation, cancellations = (
            self._connection.generation,
            cancellation.pending_cancellations(),
        )
        for record in records:
            cancellation.raise_if_cancelled(cancellations)
            if len(self._pending) >= WINDOW_RECORDS:
                await self._wait_for_room(delivery)
            if generation != self._connection.generation:
                delivery.fail("the connection was lost; the outcome of its records is unknown")
            if delivery.failure is not None:
                return
            self._last_token += 1
            token = str(self._last_token)
            delivery.tokens.append(token)
            self._pending[token] = delivery
            try:
                await client.publish(record.address or "", record.value, reply=self._inbox + token)
            except Error as error:
                delivery.fail(str(error))
                return
        cancellation.raise_if_cancelled(cancellations)
        delivery.all_sent()

    async def _wait_for_room(self, delivery: PendingAcknowledgements) -> None:
        self._room.clear()
        try:
            async with asyncio.timeout(self._limits.ack_timeout_s):
                await self._room.wait()
        except TimeoutError:
            delivery.fail(self._silence())

    async def _wait_for(self, delivery: PendingAcknowledgements) -> None:
        """Wait for the last acknowledgement while acknowledgements keep arriving."""
        while not delivery.done.done():
            before = delivery.acknowledged
            await asyncio.wait((delivery.done,), timeout=self._limits.ack_timeout_s)
            if not delivery.done.done() and delivery.acknowledged == before:
                delivery.fail(self._silence())

    def _silence(self) -> str:
        return f"nothing was acknowledged for {self._limits.ack_timeout_s:.0f} s"

    async def _on_acknowledgement(self, message: Msg) -> None:
        delivery = self._pending.pop(message.subject[len(self._inbox) :], None)
        if delivery is None:
            return
        data = message.data
        if b'"seq"' in data and b'"error"' not in data:
            delivery.acknowledge()
        else:
            reason = _error_in(message)
            if reason is None:
                delivery.acknowledge()
            else:
                delivery.fail(reason)
        if len(self._pending) <= REFILL_RECORDS:
            self._room.set()

    def _on_change(self) -> None:
        if self._generation != self._connection.generation:
            self._generation = self._connection.generation
            self._streams.clear_cache()
            self._fail_pending("the connection was lost; the outcome of its records is unknown")

    def _fail_pending(self, reason: str) -> None:
        for delivery in list(self._pending.values()):
            delivery.fail(reason)
        self._pending.clear()
        self._room.set()


def _error_in(message: Msg) -> str | None:
    """The error in a reply; None if it is an acknowledgement after all."""
    if not message.data:
        return "no stream accepts their subject"
    try:
        ack = msgspec.json.decode(message.data, type=_PublishAck)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "the server's reply is invalid"
    return ack.error.description if ack.error is not None else None
