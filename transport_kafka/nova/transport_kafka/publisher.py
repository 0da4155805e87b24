"""Publishing: one idempotent producer, and a thread that polls its delivery reports."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Record
from nova.sdk.transport.link import LinkHealth
from nova.transport_kafka import client_log, naming, topics
from nova.transport_kafka.blocking import run_in_thread
from nova.transport_kafka.config import KafkaConfig
from nova.transport_kafka.errors import error_text, is_fatal

REPORT_POLL_S = 0.1
FLUSH_TIMEOUT_S = 10.0
QUEUE_FULL_WAIT_S = 0.01
PRODUCE_CHUNK_RECORDS = 500

log = logging.getLogger(__name__)


class DeliveryReports:
    """The delivery reports of one publish; `done` resolves with the last one."""

    def __init__(self, count: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._missing = count
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.failed = 0
        self.first_failure: KafkaError | None = None

    def report(self, error: KafkaError | None, message: Message) -> None:
        """Called by the report thread, once per record."""
        if error is not None:
            self.failed += 1
            self.first_failure = self.first_failure or error
        self._missing -= 1
        if self._missing == 0:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody is waiting.
                self._loop.call_soon_threadsafe(self._resolve)

    def _resolve(self) -> None:
        if not self.done.done():
            self.done.set_result(None)


class ReportingProducer:
    """A producer and the thread that serves its callbacks."""

    def __init__(self, config: KafkaConfig) -> None:
        self.client = Producer(config.producer_properties(), logger=client_log.log)
        self.must_be_replaced = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nova-kafka-reports", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._serve_reports(lambda: self.client.poll(REPORT_POLL_S))
        if self._serve_reports(lambda: self.client.flush(FLUSH_TIMEOUT_S)):
            # Report the remaining records as failed.
            self.client.purge()
            self._serve_reports(lambda: self.client.flush(FLUSH_TIMEOUT_S))
        self.client.close()

    def _serve_reports(self, reports: Callable[[], int]) -> int:
        """Serve reports. librdkafka raises a final error here once; reports continue after it."""
        try:
            return reports()
        except KafkaException as error:
            self.must_be_replaced = True
            log.error("kafka producer must be replaced: %s", error_text(error))
            return len(self.client)

    def stop(self) -> None:
        """Flush, report unsent records as failed, and end the thread; blocks."""
        self._stopping.set()
        self._thread.join()


class KafkaPublisher:
    """Sends records in call order; several calls may run at once."""

    def __init__(
        self,
        config: KafkaConfig,
        health: LinkHealth,
        admin_timeout_s: float = topics.ADMIN_TIMEOUT_S,
    ) -> None:
        self._config = config
        self._admin_timeout_s = admin_timeout_s
        self._health = health
        self._known_topics: set[str] = set()
        self._producer: ReportingProducer | None = None
        self._lock = asyncio.Lock()

    async def publish(self, records: Sequence[Record]) -> None:
        """Return when every record is acknowledged; raises TransportError if one is not."""
        if not records:
            return
        targets = _targets(records)
        delivery = DeliveryReports(len(records))
        async with self._lock:
            await self._ensure_topics({topic for topic, _ in targets})
            producer = await self._open()
            await self._enqueue(producer, targets, records, delivery)
        await delivery.done
        if delivery.first_failure is None:
            self._health.mark_up()
        else:
            self._health.mark_down(error_text(delivery.first_failure))
            self._known_topics.clear()  # A topic may have been deleted.
            raise TransportError(
                f"{delivery.failed} of {len(records)} records were not acknowledged by "
                f"{self._config.link}: {error_text(delivery.first_failure)}"
            )

    async def close(self) -> None:
        """Flush and end the thread."""
        async with self._lock:
            await self._retire()

    async def _ensure_topics(self, wanted: set[str]) -> None:
        if not wanted <= self._known_topics:
            await run_in_thread(
                "nova-kafka-topics",
                lambda: topics.ensure_topics(self._config, wanted, self._admin_timeout_s),
            )
            self._known_topics |= wanted

    async def _open(self) -> ReportingProducer:
        if self._producer is not None and self._producer.must_be_replaced:
            await self._retire()
        if self._producer is None:
            try:
                self._producer = ReportingProducer(self._config)
            except KafkaException as error:
                reason = self._config.redact(error_text(error))
                raise TransportError(f"librdkafka refuses the configuration: {reason}") from None
        return self._producer

    async def _enqueue(
        self,
        producer: ReportingProducer,
        targets: Sequence[tuple[str, str | None]],
        records: Sequence[Record],
        delivery: DeliveryReports,
    ) -> None:
        produce, report, sent = producer.client.produce, delivery.report, 0
        while sent < len(records):
            end = min(sent + PRODUCE_CHUNK_RECORDS, len(records))
            try:
                while sent < end:
                    topic, key = targets[sent]
                    produce(topic, records[sent].value, key, on_delivery=report)
                    sent += 1
            except BufferError:  # The queue is full: retry when some records have been sent.
                await asyncio.sleep(QUEUE_FULL_WAIT_S)
            except KafkaException as error:
                producer.must_be_replaced = producer.must_be_replaced or is_fatal(error)
                size = len(records[sent].value)
                raise TransportError(
                    f"record {sent} of {size} bytes cannot be sent: {error_text(error)}"
                ) from None
            await asyncio.sleep(0)

    async def _retire(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await run_in_thread("nova-kafka-flush", producer.stop)


def _targets(records: Sequence[Record]) -> list[tuple[str, str | None]]:
    """Topic and key of each record; raises TransportError with the index of an invalid one."""
    targets: list[tuple[str, str | None]] = []
    try:
        for record in records:
            targets.append(naming.topic_and_key(record.address))
    except TransportError as error:
        raise TransportError(f"record {len(targets)} to publish: {error}") from None
    return targets
