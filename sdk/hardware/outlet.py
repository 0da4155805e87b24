"""The outlet: what is put in lies on the disk first, then goes to the transport, in order.

There are two in a host, so that answers to commands do not wait behind hours of telemetry when a
transport comes back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sdk.hardware.spool import Place, Spool
from sdk.producer import Producer, Retry
from sdk.transport.base import Receipt, Record

_log = logging.getLogger(__name__)


class Outlet:
    """Publishes a spool for as long as it runs."""

    def __init__(self, name: str, spool: Spool, producer: Producer) -> None:
        self._name = name
        self._spool = spool
        self._producer = producer
        self._changed = asyncio.Condition()
        self.published = 0
        self.rejected = 0

    async def put(self, records: Sequence[Record]) -> None:
        """Return when the records are on disk; while the disk takes nothing, wait and say so."""
        for delay_s in Retry().delays_s():
            try:
                self._spool.append(records)
                break
            except OSError as error:
                _log.error(
                    "the buffer cannot be written, devices wait",
                    extra={"context": {"buffer": self._name, "error": str(error)}},
                )
            await asyncio.sleep(delay_s)
        async with self._changed:
            self._changed.notify_all()

    async def run(self) -> None:
        """Publish what there is and what comes, for ever; a transport that is away is waited for."""
        delays_s = Retry().delays_s()
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
        records, place = self._spool.read()
        if not records:
            async with self._changed:
                await self._changed.wait_for(lambda: not self._spool.is_empty)
            return
        receipt = await self._producer.publish(records)
        self.published += len(records)
        self._report(records, receipt)
        self._spool.commit(place)
        async with self._changed:
            self._changed.notify_all()

    async def drained(self) -> None:
        """Return when all that is in it at this moment is published."""
        end = self._spool.end
        async with self._changed:
            await self._changed.wait_for(lambda: self._is_published(end))

    def _is_published(self, end: Place) -> bool:
        return self._spool.is_empty or self._spool.start >= end

    def _report(self, records: Sequence[Record], receipt: Receipt) -> None:
        """The Core keeps what it refuses, with its reason; here it is said as well."""
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
