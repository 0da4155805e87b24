"""Publishing with QoS 1: a publish returns when the broker has the records, and has saved them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final

from paho.mqtt.reasoncodes import ReasonCode

from nova.sdk.errors import NotSentError, TransportError
from nova.sdk.transport.base import Record
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_mqtt.broker_session import BrokerSession
from nova.transport_mqtt.config import MqttConfig
from nova.transport_mqtt.connection import FIRST_ERROR, MqttConnection
from nova.transport_mqtt.consumer import SESSION_BITS
from nova.transport_mqtt.naming import topic_of

CONNECT_WAIT_S: Final = 10.0
PUBLISH_TIMEOUT_S: Final = 60.0
PACKET_EXTRA_BYTES: Final = 16
"""What a packet has beside topic and payload, at most."""

PAYLOAD_MAX_BYTES: Final = 256 * 1024 * 1024 - 70_000
"""MQTT's largest packet is 256 MiB, with a topic of up to 64 KiB."""

NO_SUBSCRIBER: Final = 0x10

Answer = asyncio.Future[list[ReasonCode]]


class MqttPublisher:
    """Publishes over one connection, which is kept up."""

    def __init__(self, config: MqttConfig, reporter: LinkHealthReporter) -> None:
        self._link = config.link
        self._session = BrokerSession(
            config, reporter, f"nova-publisher-{secrets.randbits(SESSION_BITS):x}"
        )

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when the broker has saved the records for whoever is subscribed to them. Raises
        TransportError if that is unknown, and NotSentError if it certainly has none of them.
        """
        topics = [topic_of(record.address) for record in records]
        try:
            connection = await self._session.connection(CONNECT_WAIT_S)
        except TransportError as error:
            raise NotSentError(str(error)) from None
        for topic, record in zip(topics, records, strict=True):
            self._require_size(connection, topic, len(record.value))
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                answers = await self._send(connection, topics, records)
                await self._check(topics, answers)
                await connection.settle()
        except TimeoutError:
            reason = f"the broker acknowledged not all records within {PUBLISH_TIMEOUT_S:.0f} s"
            connection.abort(reason)
            raise TransportError(f"{self._link}: {reason}") from None

    async def close(self) -> None:
        """Disconnect; a publish that is under way fails."""
        await self._session.close(ends_session=True)

    async def _send(
        self, connection: MqttConnection, topics: Sequence[str], records: Sequence[Record]
    ) -> list[Answer]:
        answers: list[Answer] = []
        try:
            for topic, record in zip(topics, records, strict=True):
                await connection.window.acquire()
                answers.append(connection.publish(topic, record.value))
            await asyncio.wait(answers) if answers else None
        except asyncio.CancelledError:
            for answer in answers:
                answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise
        return answers

    async def _check(self, topics: Sequence[str], answers: Sequence[Answer]) -> None:
        """Raise for the first record that the broker does not have for anybody."""
        kept, fault = 0, None
        for topic, answer in zip(topics, answers, strict=True):
            lost = answer.exception()
            reason = str(lost) if lost is not None else _fault(topic, answer.result()[0])
            kept += reason is None or lost is not None
            fault = fault or reason
        if fault is not None:
            raise (TransportError if kept else NotSentError)(f"{self._link}: {fault}")

    def _require_size(self, connection: MqttConnection, topic: str, size_bytes: int) -> None:
        packet_bytes = size_bytes + len(topic) + PACKET_EXTRA_BYTES
        most = min(connection.max_packet_bytes or PAYLOAD_MAX_BYTES, PAYLOAD_MAX_BYTES)
        if packet_bytes > most:
            raise NotSentError(
                f"{self._link}: a record of {size_bytes} bytes for {topic} needs a packet of "
                f"{packet_bytes} bytes, and the broker takes {most}: raise its max_packet_size"
            )


def _fault(topic: str, code: ReasonCode) -> str | None:
    """Why the broker does not keep a record; None if it does."""
    if code.value == NO_SUBSCRIBER:
        return f"nobody is subscribed to {topic}: no Core has read from this broker yet"
    if code.value >= FIRST_ERROR:
        return f"the broker refuses a record for {topic}: {code}"
    return None
