"""Consuming: one reader per stream with subscribed subjects, including streams created later.

Nothing is stored on the server: the Core's positions say where to read. While the server is down,
the consumption waits for it indefinitely.

Memory is bounded by the readers' windows and the current batch. The windows share
`WINDOWS_MAX_BYTES`; each has at least `WINDOW_MIN_BYTES` and room for the largest record seen so
far. Each record also costs the bytes of its object.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, deque

from nats.aio.client import Client
from nats.errors import Error

from nova.sdk.transport.base import Batch, Positions, Subscription
from nova.sdk.transport.link_health_reporter import LinkHealthReporter
from nova.transport_nats import cancellation, durability, jetstream
from nova.transport_nats.config import NatsConfig
from nova.transport_nats.connection import NatsConnection
from nova.transport_nats.jetstream import JetStreamError
from nova.transport_nats.naming import subscribed_subjects
from nova.transport_nats.reader import StreamReader
from nova.transport_nats.resume import end_positions

DISCOVERY_INTERVAL_S = 2.0
FAILURES_TO_WARN = 3
LIMITS_RETENTION = "limits"
RETRY_INTERVAL_S = 0.2
BATCH_MAX_BYTES = 2 * 1024 * 1024
BATCH_MAX_RECORDS = 2_000
WINDOWS_MAX_BYTES = 32 * 1024 * 1024
WINDOW_MAX_BYTES = 8 * 1024 * 1024
WINDOW_MIN_BYTES = 256 * 1024

log = logging.getLogger(__name__)


class NatsConsumption:
    """One running `consume`: call `next` until it returns None, then `stop`."""

    def __init__(
        self,
        config: NatsConfig,
        link_health: LinkHealthReporter,
        subscription: Subscription,
        positions: Positions,
        *,
        only_new: str | None = None,
    ) -> None:
        """With `only_new`, read these subjects instead, from the current end of their streams."""
        self._link_health = link_health
        self._pattern = only_new or subscribed_subjects(subscription)
        self._is_only_new = only_new is not None
        self._positions = dict(positions)
        self.discovered = asyncio.Event()
        """Set once the server has listed its streams and all of them are being read."""
        self._has_discovered = False
        self._connection = NatsConnection(config, link_health, self._request_check)
        self._readers: dict[str, StreamReader] = {}
        self._round_robin: deque[StreamReader] = deque()
        self._failures: Counter[str] = Counter()
        self._arrived = asyncio.Event()
        self._check_requested = asyncio.Event()
        self._outcome: BaseException | None = None
        self._is_stopped = False
        self._stop_task: asyncio.Task[None] | None = None
        self._connection.start()
        self._task = asyncio.create_task(self._keep_reading(), name="nova-nats-consumption")

    async def next(self) -> Batch | None:
        """The next batch, or None once stopped."""
        cancellations = cancellation.pending_cancellations()
        while not self._is_stopped:
            self._arrived.clear()
            batch = self._collect()
            for reader in list(self._round_robin):
                await reader.request_more(self._window_bytes())
            cancellation.raise_if_cancelled(cancellations)
            if batch is not None:
                return batch
            if self._outcome is not None:
                raise self._outcome
            await self._arrived.wait()
        return None

    def stream_ends(self) -> dict[str, int]:
        """The sequence after the newest record of each stream."""
        return {reader.name: reader.end for reader in self._readers.values() if reader.end}

    async def stop(self) -> None:
        """Stop reading and close the connection; concurrent callers wait for the same end."""
        if self._stop_task is None:
            self._stop_task = asyncio.create_task(self._stop(), name="nova-nats-end")
        await asyncio.shield(self._stop_task)

    async def _stop(self) -> None:
        self._is_stopped = True
        self._arrived.set()
        await cancellation.cancel_until_done(self._task)
        is_answering = self._connection.is_ready
        await asyncio.gather(*(reader.close(is_answering) for reader in self._readers.values()))
        await self._connection.close()

    def _collect(self) -> Batch | None:
        """Collect buffered records, round-robin over the streams; a gap forms its own batch."""
        batch, size_bytes = Batch([], {}), 0
        for _ in range(len(self._round_robin)):
            reader = self._round_robin[0]
            self._round_robin.rotate(-1)
            if not batch.records and (alone := reader.take_single()) is not None:
                return alone
            size_bytes = reader.move_records(batch, size_bytes, BATCH_MAX_RECORDS, BATCH_MAX_BYTES)
        return batch if batch.records else None

    async def _keep_reading(self) -> None:
        try:
            while True:
                self._check_requested.clear()
                await self._check_streams()
                await asyncio.sleep(RETRY_INTERVAL_S)  # At least, however often readers call.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DISCOVERY_INTERVAL_S - RETRY_INTERVAL_S):
                        await self._check_requested.wait()
        except Exception as error:
            self._outcome = error
            self._arrived.set()

    async def _check_streams(self) -> None:
        client, generation = await self._connection.client(), self._connection.generation
        try:
            found = await jetstream.list_streams(client, self._pattern)
        except JetStreamError as error:
            if generation == self._connection.generation:
                self._connection.report_failure(str(error))
            return
        await self._close_vanished({info.name for info in found})
        if self._is_only_new and not self._has_discovered:
            self._positions = {k: v for info in found for k, v in end_positions(info).items()}
        self._has_discovered = True
        for info in found:
            durability.check_stream(info, self._link_health)
            if info.config.retention == LIMITS_RETENTION:
                await self._check_stream(client, generation, info)
            else:
                self._link_health.set_warning(
                    f"reading {info.name}",
                    f"stream {info.name} is not read: its retention is "
                    f"{info.config.retention!r}, so reading would remove records for other clients",
                )
        if all(reader.is_open for reader in self._readers.values()):
            self.discovered.set()

    async def _check_stream(
        self, client: Client, generation: int, info: jetstream.StreamInfo
    ) -> None:
        reader = self._readers.get(info.name)
        if reader is None:
            reader = StreamReader(
                info.name,
                self._pattern,
                self._positions,
                self._wake,
                self._request_check,
                skip_lost=self._is_only_new,
            )
            self._readers[info.name] = reader
            self._round_robin.append(reader)
        try:
            await reader.check(client, generation, info, self._window_bytes())
        except (JetStreamError, Error) as error:
            if generation == self._connection.generation:
                self._failures[info.name] += 1
            if self._failures[info.name] == FAILURES_TO_WARN:
                text = f"stream {info.name} cannot be read: {error}"
                self._link_health.set_warning(f"reading {info.name}", text)
        else:
            self._failures[info.name] = 0
            self._link_health.set_warning(f"reading {info.name}", None)

    async def _close_vanished(self, present: set[str]) -> None:
        """Close readers of vanished streams; keep their positions in case they are recreated."""
        for name, reader in self._readers.items():
            if name not in present:
                await reader.close(is_answering=False)

    def _window_bytes(self) -> int:
        share = WINDOWS_MAX_BYTES // max(len(self._readers), 1)
        return min(max(share, WINDOW_MIN_BYTES), WINDOW_MAX_BYTES)

    def _wake(self) -> None:
        """Records arrived, or there is room to request more."""
        self._arrived.set()

    def _request_check(self) -> None:
        """The connection or a consumer has changed: check the readers soon."""
        self._check_requested.set()
