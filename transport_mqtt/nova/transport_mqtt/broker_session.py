"""A session with a broker, kept up over lost connections until it is closed.

The broker keeps what arrives for the session and sends it until it is acknowledged. What it sends
again on another connection was delivered already, and is only acknowledged there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from nova.sdk import timestamps
from nova.sdk.errors import TransportError
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_mqtt.config import MqttConfig
from nova.transport_mqtt.connection import MqttConnection
from nova.transport_mqtt.mqtt_message import MqttMessage

RETRY_MIN_S: Final = 0.1
RETRY_MAX_S: Final = 5.0
LASTING_S: Final = 1.0
"""A connection that was lost earlier counts as a failed attempt: two clients of one name take it
from each other.
"""

SHORT_CONNECTIONS_TO_WARN: Final = 3
BUFFER_MAX_BYTES: Final = 32 * 1024 * 1024
"""Received bytes that wait to be taken; beyond it nothing is read from the broker."""


class ReceivedMessage:
    """A received message, until it is acknowledged."""

    __slots__ = ("connection", "content", "is_done", "mid", "payload", "received_ns", "topic")

    def __init__(self, connection: MqttConnection, message: MqttMessage) -> None:
        self.connection = connection
        self.mid = message.mid
        self.topic = message.topic
        self.payload = message.payload
        self.content = hash((message.topic, message.payload))
        self.received_ns = timestamps.now()
        self.is_done = False

    def is_sent_again(self, message: MqttMessage) -> bool:
        """Whether a message is this one, sent on another connection."""
        return message.is_repeated and self.content == hash((message.topic, message.payload))


class BrokerSession:
    """The session of a client id, with the topics that it is subscribed to."""

    def __init__(
        self,
        config: MqttConfig,
        reporter: LinkHealthReporter,
        client_id: str,
        filters: Sequence[str] = (),
        *,
        expiry_s: int = 0,
        on_new_session: Callable[[], None] = lambda: None,
        buffer_max_bytes: int = BUFFER_MAX_BYTES,
    ) -> None:
        """`on_new_session` is called once the topics are subscribed to in a session that the broker
        had not.
        """
        self.client_id = client_id
        self.ready = asyncio.Event()
        """Set while every message to the topics is kept for this session, and delivered."""

        self.arrived = asyncio.Event()
        """Set when there may be something to take."""

        self._config = config
        self._reporter = reporter
        self._filters = filters
        self._expiry_s = expiry_s
        self._on_new_session = on_new_session
        self._buffer_max_bytes = buffer_max_bytes
        self._short_connections = 0
        self._connection: MqttConnection | None = None
        self._buffer: deque[ReceivedMessage] = deque()
        self._buffered_bytes = 0
        self._unacknowledged: dict[int, ReceivedMessage] = {}
        self._task = asyncio.create_task(self._keep_connected(), name="nova-mqtt-session")

    async def connection(self, timeout_s: float) -> MqttConnection:
        """The connection, once there is one; raises TransportError after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.ready.wait()
        if self._connection is None or not self.ready.is_set():
            raise TransportError(f"{self._config.link} was not reached within {timeout_s:.0f} s")
        return self._connection

    def take(self, deliveries_max: int, bytes_max: int) -> list[ReceivedMessage]:
        """What has arrived, in order; reading continues when there is room again."""
        taken: list[ReceivedMessage] = []
        size_bytes = 0
        while self._buffer and len(taken) < deliveries_max and size_bytes < bytes_max:
            delivery = self._buffer.popleft()
            size_bytes += len(delivery.payload)
            taken.append(delivery)
        self._buffered_bytes -= size_bytes
        if self._connection is not None and self._buffered_bytes < self._buffer_max_bytes:
            self._connection.resume_reading()
        return taken

    def acknowledge(self, delivery: ReceivedMessage) -> None:
        """The message is done with: the broker may forget it."""
        delivery.is_done = True
        delivery.payload = b""
        if delivery.mid is not None and not delivery.connection.closed.done():
            delivery.connection.acknowledge(delivery.mid)
            if self._unacknowledged.get(delivery.mid) is delivery:
                del self._unacknowledged[delivery.mid]

    async def close(self, *, ends_session: bool = False) -> None:
        """Disconnect; the broker keeps the session unless `ends_session`."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        connection, self._connection = self._connection, None
        self.ready.clear()
        if connection is not None:
            await connection.close(ends_session=ends_session)
        self._reporter.forget(self)

    async def _keep_connected(self) -> None:
        delay_s = RETRY_MIN_S
        while True:
            connection = self._connection = MqttConnection(
                self._config,
                self.client_id,
                expiry_s=self._expiry_s,
                on_message=self._on_message,
            )
            try:
                await self._begin(connection)
                began_s = time.monotonic()
                reason = await asyncio.shield(connection.closed)
                is_lasting = time.monotonic() - began_s > LASTING_S
                delay_s = RETRY_MIN_S if is_lasting else delay_s
                self._warn_of_another_client(is_lasting)
            except (OSError, TransportError) as error:
                reason = str(error)
            self.ready.clear()
            connection.abort(reason)
            await connection.close()
            self._reporter.report_down(self, reason)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_MAX_S)

    def _warn_of_another_client(self, is_lasting: bool) -> None:
        """Older brokers give no reason when another client takes the session."""
        self._short_connections = 0 if is_lasting else self._short_connections + 1
        text = None
        if self._short_connections >= SHORT_CONNECTIONS_TO_WARN:
            text = (
                f"connections of the session {self.client_id} end as soon as they begin: "
                "does a copy of this archive run somewhere?"
            )
        self._reporter.set_warning("short connections", text)

    async def _begin(self, connection: MqttConnection) -> None:
        has_session = await connection.open()
        await connection.subscribe(self._filters)
        if not has_session:
            self._unacknowledged.clear()
            self._on_new_session()
        self._reporter.report_up(self)
        self.ready.set()

    def _on_message(self, connection: MqttConnection, message: MqttMessage) -> None:
        known = None if message.mid is None else self._unacknowledged.get(message.mid)
        if known is not None and known.is_sent_again(message):
            known.connection = connection
            if known.is_done:
                self.acknowledge(known)
            return
        delivery = ReceivedMessage(connection, message)
        if message.mid is not None:
            self._unacknowledged[message.mid] = delivery
        self._buffer.append(delivery)
        self._buffered_bytes += len(message.payload)
        if self._buffered_bytes >= self._buffer_max_bytes:
            connection.pause_reading()
        self.arrived.set()
