"""The outbox: records are stored on disk and published to the transport, in order.

What comes while nothing else is unpublished is published at once. It is stored too if there is
much of it, or if the transport does not acknowledge it soon: what the Core has stored needs no copy
here, and is seen sooner by the time of a sync.

A host has three per transport, so that feedback on commands does not wait behind hours of telemetry
when a transport comes back, and telemetry of a source that can wait is not dropped for telemetry of
one that cannot.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial

from nova.hardware.host_database import completed
from nova.hardware.outbox_log import OfferedBatch, OutboxLog
from nova.sdk.producer.producer import Producer, Retry
from nova.sdk.transport.base import Receipt, Record

URGENT_RESERVE = 0.25
"""Share of the limit reserved for a device that executes a command: its data may be the answer."""

DELETED_BATCHES = 64
DELETED_BYTES = 1024 * 1024
"""Published batches and bytes that are deleted together, while more are being published."""
DELETE_AFTER_S = 0.1
"""How long published batches stay on disk when nothing more comes."""
ACKNOWLEDGED_WITHIN_S = 0.05
"""How long a small batch waits for its acknowledgement before it is stored."""
SMALL_BATCH_RECORDS = 500
"""Larger ones are stored while they are being published, since their source has more."""

_log = logging.getLogger(__name__)


class Outbox:
    """Publishes an outbox log until cancelled."""

    def __init__(
        self,
        name: str,
        outbox_log: OutboxLog,
        producer: Producer,
        *,
        delete_after_s: float = DELETE_AFTER_S,
        acknowledged_within_s: float = ACKNOWLEDGED_WITHIN_S,
    ) -> None:
        self._delete_after_s = delete_after_s
        self._acknowledged_within_s = acknowledged_within_s
        self._name = name
        self._outbox_log = outbox_log
        self._producer = producer
        self._changed = asyncio.Event()
        self._committed = asyncio.Condition()
        self._is_full_logged = False
        self._is_running = False
        self._offered: OfferedBatch | None = None
        self.published = 0
        self.rejected = 0

    async def append(self, records: Sequence[Record], *, may_drop: bool = True) -> None:
        """Store records for publishing; raises OSError if the disk write fails."""
        await self._outbox_log.append(records, may_drop=may_drop)
        self._changed.set()

    async def wait_for_room(self, records: Sequence[Record], is_urgent: Callable[[], bool]) -> None:
        """Wait until there is room for records; a log that drops always has room."""

        def has_room() -> bool:
            return self._outbox_log.has_room(records, URGENT_RESERVE if is_urgent() else 0.0)

        if has_room():
            return
        if not self._is_full_logged:
            self._is_full_logged = True
            _log.warning("the buffer is full, devices wait", extra={"context": self._log_context()})
        async with self._committed:
            await self._committed.wait_for(has_room)

    async def recheck_room(self) -> None:
        """Make waiting callers check again, because their data may have become urgent."""
        async with self._committed:
            self._committed.notify_all()

    def _log_context(self) -> dict[str, object]:
        return {"buffer": self._name}

    async def put(self, records: Sequence[Record], *, may_offer: bool = True) -> None:
        """Return once the records are on disk, or published; while neither can be done, log that
        and retry.
        """
        offered = self._offer(records) if may_offer else None
        store = partial(self.append, records)
        if offered is not None:
            store = partial(self._outbox_log.store_offered, offered)
            if await self._published_soon(offered):
                return
        for delay_s in Retry().delays_s():
            try:
                await store()
                return
            except OSError as error:
                _log.error(
                    "the buffer cannot be written, devices wait",
                    extra={"context": {"buffer": self._name, "error": str(error)}},
                )
            except asyncio.CancelledError as cancelled:
                if cancelled.__cause__ is not None:
                    await self._last_attempt(store, len(records))
                raise
            try:
                await asyncio.sleep(delay_s)
            except asyncio.CancelledError:
                await self._last_attempt(store, len(records))
                raise

    def _offer(self, records: Sequence[Record]) -> OfferedBatch | None:
        """Have records published before they are stored, if nothing else is being published."""
        if not self._is_running or self._offered is not None:
            return None
        self._offered = self._outbox_log.offer(records)
        if self._offered is not None:
            self._changed.set()
        return self._offered

    async def _published_soon(self, offered: OfferedBatch) -> bool:
        """Wait for the acknowledgement of a small batch; stores it if cancelled meanwhile."""
        if len(offered.records) > SMALL_BATCH_RECORDS:
            return False
        try:
            async with asyncio.timeout(self._acknowledged_within_s):
                await offered.published.wait()
        except TimeoutError:
            return False
        except asyncio.CancelledError:
            store = partial(self._outbox_log.store_offered, offered)
            await self._last_attempt(store, len(offered.records))
            raise
        return True

    async def append_last_attempt(self, records: Sequence[Record]) -> None:
        """Try once more to store a cancelled caller's records, over the limit too; logs a loss."""
        await self._last_attempt(partial(self.append, records), len(records))

    async def _last_attempt(
        self, store: Callable[[], Coroutine[None, None, None]], records: int
    ) -> None:
        storing = asyncio.ensure_future(store())
        await completed(storing)
        try:
            storing.result()
        except OSError as error:
            context = {"buffer": self._name, "records": records, "error": str(error)}
            _log.error("events were lost", extra={"context": context})

    async def run(self) -> None:
        """Publish old and new records for ever; waits for a transport that is unavailable."""
        delays_s = Retry().delays_s()
        self._is_running = True
        while True:
            try:
                await self._publish_next()
                delays_s = Retry().delays_s()
            except OSError as error:
                _log.error(
                    "the buffer cannot be read",
                    extra={"context": {"buffer": self._name, "error": str(error)}},
                )
                await asyncio.sleep(next(delays_s))

    async def _publish_next(self) -> None:
        self._changed.clear()
        if self._offered is not None:
            await self._publish(self._offered.records)
            offered, self._offered = self._offered, None
            self._outbox_log.mark_offered_published(offered)
        else:
            records, position = await self._outbox_log.read()
            if not records:
                await self._wait_for_records()
                return
            await self._publish(records)
            self._outbox_log.mark_published(position)
        await self._delete_many()
        if self._is_full_logged and self._outbox_log.is_empty:
            self._is_full_logged = False
            _log.info("the buffer is empty again", extra={"context": self._log_context()})
        async with self._committed:
            self._committed.notify_all()

    async def _wait_for_records(self) -> None:
        """Wait for more records; what is published is deleted when none come for a while."""
        if self._outbox_log.undeleted_batches:
            try:
                async with asyncio.timeout(self._delete_after_s):
                    await self._changed.wait()
                    return
            except TimeoutError:
                await self.delete_published()
        await self._changed.wait()

    async def _publish(self, records: Sequence[Record]) -> None:
        receipt = await self._producer.publish(records)
        self.published += len(records)
        self._report(records, receipt)

    async def _delete_many(self) -> None:
        """Delete published batches together, since a transaction for each of them costs more than
        a small batch.
        """
        log = self._outbox_log
        if log.undeleted_batches >= DELETED_BATCHES or log.undeleted_bytes >= DELETED_BYTES:
            await self.delete_published()

    async def delete_published(self) -> None:
        """Delete what is published from the disk; logs if that fails."""
        try:
            await self._outbox_log.delete_published()
        except OSError as error:
            _log.error(
                "published events cannot be removed from the buffer",
                extra={"context": {"buffer": self._name, "error": str(error)}},
            )

    async def wait_drained(self) -> None:
        """Return once everything stored before the call is published."""
        end = self._outbox_log.end
        async with self._committed:
            await self._committed.wait_for(lambda: self._is_published(end))

    def _is_published(self, end: int) -> bool:
        return self._outbox_log.is_empty or self._outbox_log.published >= end

    def _report(self, records: Sequence[Record], receipt: Receipt) -> None:
        """Count and log refused records; the Core stores them with the reason in its reject log."""
        self.rejected += len(receipt.rejected)
        for rejection in receipt.rejected:
            _log.warning(
                "the Core refused a record",
                extra={
                    "context": {
                        "address": records[rejection.place].address,
                        "code": rejection.code,
                        "reason": rejection.reason,
                    }
                },
            )


class OutboxGroup:
    """Outboxes of all transports of a host; each publishes the same records at its own pace."""

    def __init__(self, outboxes: Iterable[Outbox], *, may_offer: bool = True) -> None:
        """`may_offer`: callers may wait for acknowledgements, where there is only one transport."""
        self._outboxes = list(outboxes)
        self._may_offer = may_offer and len(self._outboxes) == 1

    async def append_gap(self, records: Sequence[Record]) -> None:
        """Store records of a loss for all transports, over the limit too; raises OSError."""
        for outbox in self._outboxes:
            await outbox.append(records, may_drop=False)

    async def put(
        self, records: Sequence[Record], is_urgent: Callable[[], bool] = lambda: False
    ) -> None:
        """Return once the records are on disk for all transports, or published.

        They are stored for none before there is room in all, and for all if the wait is cancelled.
        """
        waiting = list(self._outboxes)
        try:
            for outbox in self._outboxes:
                await outbox.wait_for_room(records, is_urgent)
            while waiting:
                # If cancelled, it stores the records itself.
                await waiting.pop(0).put(records, may_offer=self._may_offer)
        except asyncio.CancelledError:
            for outbox in waiting:
                await outbox.append_last_attempt(records)
            raise

    async def recheck_room(self) -> None:
        """Make waiting callers check for room again."""
        for outbox in self._outboxes:
            await outbox.recheck_room()

    def publishers(self) -> list[Coroutine[None, None, None]]:
        """The coroutines that publish, for ever."""
        return [outbox.run() for outbox in self._outboxes]

    async def wait_drained(self) -> None:
        """Return once everything stored before the call is published."""
        await asyncio.gather(*(outbox.wait_drained() for outbox in self._outboxes))

    async def delete_published(self) -> None:
        """Delete what is published from the disk."""
        for outbox in self._outboxes:
            await outbox.delete_published()
