"""Consuming: a thread reads the assigned partitions and passes batches to the event loop.

There is no consumer group: the Core's stored positions say where to read, so nothing is committed
to the broker and nothing is rebalanced. While the broker is down, the thread retries indefinitely.

Memory is bounded by librdkafka's prefetch (`config.PREFETCH_MAX_KBYTES` plus one fetch), the same
amount again while the thread cuts it into batches, and `QUEUE_MAX_BATCHES` batches.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka.admin import AdminClient

from nova.sdk.errors import TransportError
from nova.sdk.transport.base import Batch, Positions, Subscription
from nova.sdk.transport.link import LinkHealth
from nova.transport_kafka import client_log
from nova.transport_kafka.assignment import PartitionAssignment
from nova.transport_kafka.batches import to_batches
from nova.transport_kafka.config import KafkaConfig
from nova.transport_kafka.errors import (
    ALL_BROKERS_DOWN,
    POSITION_GONE,
    FailureCause,
    error_name,
    error_text,
    is_fatal,
)

DISCOVERY_INTERVAL_S = 2.0
RETRY_INTERVAL_S = 0.5
POLL_TIMEOUT_S = 0.1
BATCH_MAX_RECORDS = 2_000
QUEUE_MAX_BATCHES = 4

log = logging.getLogger(__name__)


class KafkaConsumption:
    """One running `consume`: call `next` until it returns None, then `stop`."""

    def __init__(
        self,
        config: KafkaConfig,
        subscription: Subscription,
        positions: Positions,
        health: LinkHealth,
        assignment_type: type[PartitionAssignment] = PartitionAssignment,
    ) -> None:
        self._config = config
        self._assignment_type = assignment_type
        self.discovered = asyncio.Event()
        """Set once the broker has listed its partitions and all of them are assigned."""
        self._subscription = subscription
        self._positions = dict(positions)
        self._health = health
        self.end_offsets: Positions = {}
        """The end offset of each partition, as of the last discovery."""
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Batch | BaseException | None] = asyncio.Queue()
        self._room = threading.Semaphore(QUEUE_MAX_BATCHES)
        self._stopping = threading.Event()
        self._ended = asyncio.Event()
        self._must_rediscover = False
        self._cause = FailureCause()
        # Created here, so that the caller gets the error if librdkafka refuses the configuration.
        self._client = self._open()
        self._thread = threading.Thread(target=self._run, name="nova-kafka-consumer", daemon=True)
        self._thread.start()

    async def next(self) -> Batch | None:
        """The next batch, or None once stopped."""
        if self._stopping.is_set():
            return None
        taken = await self._queue.get()
        self._room.release()
        if isinstance(taken, BaseException):
            raise taken
        return None if self._stopping.is_set() else taken

    async def stop(self) -> None:
        """Stop the thread and close its connections."""
        self._stopping.set()
        self._room.release()
        await self._ended.wait()
        self._thread.join()

    def _open(self) -> Consumer:
        try:
            return Consumer(
                {**self._config.consumer_properties(), "error_cb": self._on_error},
                logger=client_log.log,
            )
        except KafkaException as error:
            raise self._configuration_error(error) from None

    def _open_admin(self) -> AdminClient:
        try:
            return AdminClient(self._config.producer_properties(), logger=client_log.log)
        except KafkaException as error:
            raise self._configuration_error(error) from None

    def _configuration_error(self, error: KafkaException) -> TransportError:
        reason = self._config.redact(error_text(error))
        return TransportError(f"librdkafka refuses the configuration: {reason}")

    def _run(self) -> None:
        outcome: BaseException | None = None
        try:
            self._keep_reading()
        except BaseException as error:
            outcome = error
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody is waiting.
            self._loop.call_soon_threadsafe(self._queue.put_nowait, outcome)
            self._loop.call_soon_threadsafe(self._ended.set)

    def _keep_reading(self) -> None:
        """Read until stopped; after a final error, continue with a new client."""
        while True:
            try:
                self._read()
            except KafkaException as error:
                log.error("kafka client replaced: link=%s %s", self._config.link, error_text(error))
            finally:
                self._client.close()
            if self._stopping.wait(RETRY_INTERVAL_S):
                return
            self._client = self._open()

    def _read(self) -> None:
        with self._open_admin() as admin:
            self._read_assigned(
                self._assignment_type(self._client, admin, self._subscription, self._positions)
            )

    def _read_assigned(self, assignment: PartitionAssignment) -> None:
        due_s = time.monotonic()
        while not self._stopping.is_set():
            if self._must_rediscover or time.monotonic() >= due_s:
                self._must_rediscover = False
                due_s = self._discover(assignment)
            messages = self._fetch()
            for batch in to_batches(m for m in messages if m.error() is None):
                self._positions.update(batch.positions)
                batch.positions |= assignment.take_moved_positions()
                self._enqueue(batch)
            for message in messages:
                if message.error() is not None:
                    self._handle_error(assignment, message)

    def _discover(self, assignment: PartitionAssignment) -> float:
        """Refresh the assignment; returns when to do so next (monotonic seconds)."""
        interval_s = DISCOVERY_INTERVAL_S
        try:
            assignment.refresh()
            self.end_offsets = assignment.end_offsets()
            self._report_up()
        except KafkaException as error:
            if is_fatal(error):
                raise
            self._report_down(self._cause.describe(error))
            interval_s = RETRY_INTERVAL_S
        if (news := assignment.take_gaps()) is not None:
            self._enqueue(news)
        return time.monotonic() + interval_s

    def _fetch(self) -> list[Message]:
        """Wait for one message, then take all that are there: `consume(n)` would wait for n."""
        messages = self._client.consume(1, POLL_TIMEOUT_S)
        if messages:
            messages += self._client.consume(BATCH_MAX_RECORDS - 1, 0)
        return messages

    def _handle_error(self, assignment: PartitionAssignment, message: Message) -> None:
        """Handle an error that arrived among the messages, after the messages before it."""
        error = message.error()
        assert error is not None
        if is_fatal(error):
            raise KafkaException(error)
        topic, partition = message.topic(), message.partition()
        log.warning(
            "kafka partition error: link=%s topic=%s partition=%s %s",
            *(self._config.link, topic, partition, error_text(error)),
        )
        if error_name(error) in POSITION_GONE and topic is not None and partition is not None:
            assignment.release(topic, partition)

    def _enqueue(self, batch: Batch) -> None:
        """Wait for room in the queue and pass the batch to the event loop, unless stopping."""
        if self._stopping.is_set():
            return
        self._room.acquire()
        if not self._stopping.is_set():
            self._loop.call_soon_threadsafe(self._queue.put_nowait, batch)

    def _on_error(self, error: KafkaError) -> None:
        """librdkafka calls this during a fetch, maybe long after the error: discover at once."""
        self._cause.on_error(error)
        self._must_rediscover = self._must_rediscover or error_name(error) == ALL_BROKERS_DOWN

    def _report_down(self, reason: str) -> None:
        if self._health.mark_down(reason):
            log.warning("kafka unreachable: link=%s %s", self._config.link, reason)

    def _report_up(self) -> None:
        self._loop.call_soon_threadsafe(self.discovered.set)
        if self._health.mark_up():
            log.info("kafka reachable: link=%s", self._config.link)
