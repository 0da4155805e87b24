"""The Producer: turns observations into events and publishes them, with retries.

A failed publish may have stored its records all the same. So a retry sends the same bytes, time and
eventId included, and the Core detects the duplicates.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from nova.sdk.errors import EnvelopeError, TransportError
from nova.sdk.events.event import Event
from nova.sdk.events.observation import Entity, Observation, Observer, record_of
from nova.sdk.manifests.manifest import CardManifest, violation
from nova.sdk.transport.base import Receipt, Record, Transport

__all__ = ["Entity", "Observation", "Producer", "Retry"]

PUBLISH_MAX_RECORDS = 500
PUBLISH_MAX_BYTES = 4 * 1024 * 1024
RETRY_FIRST_DELAY_S = 0.05
RETRY_MAX_DELAY_S = 5.0
RETRY_FACTOR = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """Delays between attempts, and the deadline (None: retry for ever)."""

    first_delay_s: float = RETRY_FIRST_DELAY_S
    max_delay_s: float = RETRY_MAX_DELAY_S
    deadline_s: float | None = None

    def delays_s(self) -> Iterator[float]:
        """Growing delays with jitter, so that producers do not retry in step."""
        delay_s = self.first_delay_s
        while True:
            yield random.uniform(delay_s / 2, delay_s)
            delay_s = min(delay_s * RETRY_FACTOR, self.max_delay_s)


class Producer:
    """Publishes the events of one scope over one transport.

    As an async context manager it closes the transport at the end.
    """

    def __init__(
        self,
        transport: Transport,
        scope_id: str,
        *,
        retry: Retry | None = None,
        manifests: Sequence[CardManifest] | None = None,
        batch_max_records: int = PUBLISH_MAX_RECORDS,
    ) -> None:
        self._batch_max_records = batch_max_records
        self.observer = Observer(scope_id)
        self._manifests = None if manifests is None else _by_view(manifests)
        self._transport = transport
        self._retry = retry or Retry()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Flush what is being published and close the transport."""
        await self._transport.close()

    def observe(self, entity: Entity, at_ns: int | None = None) -> Observation:
        """An instant of an entity: the given time, or now (strictly growing)."""
        return self.observer.observe(entity, at_ns)

    def ui(
        self, entity: Entity, view_id: str, data: Mapping[str, object], at_ns: int | None = None
    ) -> Event:
        """An update of a view at a time (None: now), checked against the view's manifest, which is
        one of those given to the producer or else a shipped one. Raises EnvelopeError with key and
        rule.
        """
        if self._manifests is None:
            from nova.sdk.manifests import manifest_files  # only producers of views need it

            self._manifests = _by_view([file.manifest for file in manifest_files.load()])
        manifest = self._manifests.get(view_id)
        if manifest is None:
            raise EnvelopeError(
                "unknownView", "viewId", f"no manifest has the viewId {view_id[:64]!r}"
            )
        if (found := violation(manifest, data)) is not None:
            member = f"data.{found.key}"
            raise EnvelopeError("notAllowed", member, f"{member} {found.reason}")
        observation = self.observe(entity, at_ns)
        return observation.ui(view_id, manifest.manifest_id, manifest.manifest_version, data)

    async def send(self, events: Iterable[Event]) -> Receipt:
        """Publish events in order; returns once all are durable."""
        return await self.publish([record_of(event) for event in events])

    async def publish(self, records: Sequence[Record]) -> Receipt:
        """Publish records in order, in batches; `place` in the receipt is the index in `records`.

        Raises TransportError after the deadline. Each record may be stored then or not; publishing
        them again is safe.
        """
        loop = asyncio.get_running_loop()
        deadline_s = self._retry.deadline_s
        give_up_at = None if deadline_s is None else loop.time() + deadline_s
        total = Receipt()
        done = 0
        for batch in _batches(records, self._batch_max_records):
            receipt = await self._publish_batch(batch, give_up_at)
            total.new += receipt.new
            total.duplicate += receipt.duplicate
            total.rejected += [
                rejection._replace(place=rejection.place + done) for rejection in receipt.rejected
            ]
            done += len(batch)
        return total

    async def _publish_batch(self, batch: Sequence[Record], give_up_at: float | None) -> Receipt:
        loop = asyncio.get_running_loop()
        for delay_s in self._retry.delays_s():
            try:
                async with asyncio.timeout_at(give_up_at):
                    return await self._transport.publish(batch)
            except TransportError as error:
                if give_up_at is not None and loop.time() + delay_s >= give_up_at:
                    raise
                _log.warning("publish failed, next attempt in %.2f s: %s", delay_s, error)
            except TimeoutError:
                raise TransportError(f"{self._transport.link} did not reply in time") from None
            await asyncio.sleep(delay_s)
        raise AssertionError("delays never end")


def _by_view(manifests: Sequence[CardManifest]) -> dict[str, CardManifest]:
    return {manifest.view_id: manifest for manifest in manifests}


def _batches(records: Sequence[Record], max_records: int) -> Iterator[Sequence[Record]]:
    """Batches within the limits of one publish; a record over the limit is a batch of its own."""
    start = size_bytes = 0
    for index, record in enumerate(records):
        full = index - start == max_records
        if index > start and (full or size_bytes + len(record.value) > PUBLISH_MAX_BYTES):
            yield records[start:index]
            start, size_bytes = index, 0
        size_bytes += len(record.value)
    if start < len(records):
        yield records[start:]
