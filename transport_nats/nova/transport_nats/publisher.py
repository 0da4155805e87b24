"""Publishing: records are sent without waiting for each other, and acknowledged.

At most `WINDOW_RECORDS` are in flight. A record without acknowledgement has an unknown outcome,
which is an error: the caller may send it again, since NOVA's store drops duplicates.

A server that syncs each record alone takes some thousand a second. From 2.12 on it stores a batch
as a whole, with one sync before its one acknowledgement, if the stream allows that.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from nova.sdk.address import Address
from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_nats import cancellation, naming
from nova.transport_nats.acknowledgements import AcknowledgementWindow, PendingAcknowledgements
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.connection import NatsConnection
from nova.transport_nats.streams import StreamCreator

WINDOW_RECORDS = 2_000
REFILL_RECORDS = 1_000
BATCH_RECORDS = 1_000
"""The most that the server takes, unless it is configured otherwise: batches that it refuses are
halved.
"""

BATCH_MIN_RECORDS = 16
"""A batch costs the server four syncs."""

BATCH_MAX_BYTES = 4 * 1024 * 1024
BATCH_HEADER_BYTES = 256
BATCH_ID_BYTES = 8
BATCH_ID, BATCH_SEQUENCE, BATCH_COMMIT = (
    "Nats-Batch-Id",
    "Nats-Batch-Sequence",
    "Nats-Batch-Commit",
)
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
    count: int = 1
    error: _PublishError | None = None


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
        self._window = AcknowledgementWindow()
        self._batch_records = BATCH_RECORDS
        self._subscribed_client: Client | None = None
        self._inbox = ""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged; raises TransportError if one is not."""
        if not records:
            return
        targets = [self._target(index, record) for index, record in enumerate(records)]
        delivery = PendingAcknowledgements()
        try:
            async with self._lock:
                client = await self._prepare(targets, records)
                stream = self._streams.batched_stream(targets)
                await self._send(client, self._parts(client, stream, records), delivery)
            await self._wait_for(delivery)
        finally:
            for token in delivery.tokens:
                self._window.take(token)
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
            under_way = [delivery.done for delivery in self._window.deliveries()]
            if under_way:
                await asyncio.wait(under_way, timeout=self._limits.ack_timeout_s)
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

    def _parts(
        self, client: Client, stream: str | None, records: Sequence[Record]
    ) -> Iterator[Sequence[Record]]:
        """The records in order, as batches and single ones."""
        most_bytes = min(BATCH_MAX_BYTES, client.max_payload - BATCH_HEADER_BYTES)
        count = 1 if stream is None else self._batch_records
        for part in _limited(records, count, most_bytes):
            if len(part) >= BATCH_MIN_RECORDS:
                yield part
            else:
                yield from ([record] for record in part)

    async def _send(
        self, client: Client, parts: Iterator[Sequence[Record]], delivery: PendingAcknowledgements
    ) -> None:
        generation, cancellations = (
            self._connection.generation,
            cancellation.pending_cancellations(),
        )
        for part in parts:
            cancellation.raise_if_cancelled(cancellations)
            if self._window.records and self._window.records + len(part) > WINDOW_RECORDS:
                await self._wait_for_room(delivery, WINDOW_RECORDS - len(part))
            if generation != self._connection.generation:
                delivery.fail("the connection was lost; the outcome of its records is unknown")
            if delivery.failure is not None:
                return
            reply = self._inbox + self._window.add(delivery, len(part))
            try:
                if len(part) == 1:
                    await client.publish(part[0].address or "", part[0].value, reply=reply)
                else:
                    await _send_batch(client, part, reply)
            except Error as error:
                delivery.fail(str(error))
                return
        cancellation.raise_if_cancelled(cancellations)
        delivery.all_sent()

    async def _wait_for_room(self, delivery: PendingAcknowledgements, at_most: int) -> None:
        """Wait until `at_most` records are in flight, and no more than half of the window."""
        try:
            while self._window.records > min(at_most, REFILL_RECORDS):
                self._room.clear()
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
        found = self._window.take(message.subject[len(self._inbox) :])
        if found is None:
            return
        delivery, records = found
        reason = _refusal(message, records)
        if reason is None:
            delivery.acknowledge(records)
        else:
            if records > 1:
                self._batch_records = records // 2
            delivery.fail(reason)
        if self._window.records <= REFILL_RECORDS:
            self._room.set()

    def _on_change(self) -> None:
        if self._generation != self._connection.generation:
            self._generation = self._connection.generation
            self._streams.clear_cache()
            self._fail_pending("the connection was lost; the outcome of its records is unknown")

    def _fail_pending(self, reason: str) -> None:
        for delivery in self._window.deliveries():
            delivery.fail(reason)
        self._window.clear()
        self._room.set()


def _limited(records: Sequence[Record], most: int, most_bytes: int) -> Iterator[Sequence[Record]]:
    """The records in parts within both limits; one that exceeds them is a part of its own."""
    start = size_bytes = 0
    for index, record in enumerate(records):
        is_full = index - start == most or size_bytes + len(record.value) > most_bytes
        if is_full and index > start:
            yield records[start:index]
            start, size_bytes = index, 0
        size_bytes += len(record.value)
    if start < len(records):
        yield records[start:]


async def _send_batch(client: Client, records: Sequence[Record], reply: str) -> None:
    """Send a batch that is stored with its last record; raises Error."""
    batch_id = secrets.token_urlsafe(BATCH_ID_BYTES)
    for number, record in enumerate(records, 1):
        headers = {BATCH_ID: batch_id, BATCH_SEQUENCE: str(number)}
        is_last = number == len(records)
        if is_last:
            headers[BATCH_COMMIT] = "1"
        await client.publish(
            record.address or "", record.value, reply=reply if is_last else "", headers=headers
        )


def _refusal(message: Msg, records: int) -> str | None:
    """Why a reply acknowledges not all records; None if it does."""
    data = message.data
    if records == 1 and b'"seq"' in data and b'"error"' not in data:
        return None
    if not data:
        return "no stream accepts their subject"
    try:
        ack = msgspec.json.decode(data, type=_PublishAck)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "the server's reply is invalid"
    if ack.error is not None:
        return ack.error.description
    if ack.count != records:
        return f"the server stored {ack.count} records of a batch of {records}"
    return None
