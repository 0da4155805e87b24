"""Reads one stream in order, across lost consumers, lost connections and the stream's own losses.

Received records wait in a buffer, which counts towards the window that the server may fill. Taking
records from it makes room to request more, so a slow caller throttles the server.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from nats.aio.client import Client
from nats.aio.msg import Msg

from nova.sdk.transport.base import Batch, Gap, GapReason, Positions, Record
from nova.transport_nats.jetstream import ConsumerInfo, StreamInfo
from nova.transport_nats.naming import created_key, is_within, only_scope, stored_key
from nova.transport_nats.pull import PullConsumer
from nova.transport_nats.resume import UNKNOWN, StreamPosition, gap_reason

WINDOW_MAX_BYTES = 160 * 1024 * 1024
"""More than twice the largest max_payload of a NATS server (64 MiB)."""

END_POSITION_INTERVAL_S = 30.0
STALLS_MAX = 2
"""After this many consecutive checks in which a consumer owes records and sends none, it is
replaced.
"""

log = logging.getLogger(__name__)

BufferedRecord = tuple[Record, int, int]


class StreamReader:
    """One stream of a consumption: `check` keeps it open, `move_records` empties its buffer."""

    def __init__(
        self,
        name: str,
        pattern: str,
        positions: Positions,
        on_records: Callable[[], None],
        on_change: Callable[[], None],
        *,
        skip_lost: bool = False,
    ) -> None:
        """With `skip_lost`, a stream that lost its position is read on at its end."""
        self.name = name
        self._skip_lost = skip_lost
        self.end = 0
        self.records = 0
        self.size_bytes = 0
        self._pattern = pattern
        self._on_records = on_records
        self._on_change = on_change
        self._position = StreamPosition.from_positions(name, positions)
        self._unsaved: Positions = {}
        self._buffer: deque[BufferedRecord | Batch] = deque()
        self._moved_to_end_s = -END_POSITION_INTERVAL_S
        self._pull: PullConsumer | None = None
        self._filter: str | None = None
        self._scope_id: str | None = None
        self._wider_bytes = 0
        self._stalls = 0

    # --- looking after it ---------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the stream is being read."""
        return self._pull is not None and self._pull.lost_reason is None

    async def check(
        self, client: Client, generation: int, info: StreamInfo, window_bytes: int
    ) -> None:
        """Open or replace the consumer as needed; raises JetStreamError or nats' Error."""
        subjects = info.config.subjects
        self._scope_id = only_scope(subjects)
        if self._filter is None:
            self.end = max(self.end, info.end)
        pull = self._pull
        if pull is not None and info.created_ns != self._position.created_ns:
            pull.lost_reason = "the stream was recreated"
        if pull is not None and pull.lost_reason is None and pull.generation == generation:
            await self._check_consumer(pull, info)
        if pull is None or pull.lost_reason is not None or pull.generation != generation:
            await self._reopen(client, generation, info)
        await self.request_more(window_bytes)

    async def request_more(self, window_bytes: int) -> None:
        """Request as many records as there is room for."""
        pull = self._pull
        if pull is None:
            return
        if pull.is_window_too_small:
            pull.is_window_too_small = False
            widest = max(self._wider_bytes, window_bytes)
            self._wider_bytes = min(2 * widest, WINDOW_MAX_BYTES)
        await pull.request_more(self.records, self.size_bytes, max(window_bytes, self._wider_bytes))

    async def close(self, is_answering: bool) -> None:
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.close(is_answering)

    async def _check_consumer(self, pull: PullConsumer, info: StreamInfo) -> None:
        """Detect a stalled consumer, and records that were removed before they were delivered."""
        behind = self._position.next or 0
        if pull.is_silent():
            pull.lost_reason = "no messages and no heartbeats arrive"
        elif self._filter is not None or info.first > behind or self._is_owed_records(pull, info):
            state = await pull.info()
            if state.delivered.consumer_seq != pull.received or self._position.next != behind:
                return  # Records are in flight: check again next time.
            self._stalls = self._stalls + 1 if state.num_pending and pull.is_idle() else 0
            if self._stalls == STALLS_MAX:
                pull.lost_reason = f"it owes {state.num_pending} records and sends none"
            elif self._filter is not None and state.num_pending == 0:
                self._move_to_end(info)
            elif info.first > behind:
                pull.lost_reason = "records were removed before they were delivered"
            self._update_end(state)

    def _is_owed_records(self, pull: PullConsumer, info: StreamInfo) -> bool:
        """Whether requested records have not arrived for a while."""
        return pull.is_idle() and info.end > (self._position.next or 0)

    def _update_end(self, info: ConsumerInfo) -> None:
        if self._filter is not None and self._position.next is not None:
            self.end = self._position.next + info.num_pending

    def _move_to_end(self, info: StreamInfo) -> None:
        """All matching records up to the stream's end are delivered: move the position there.

        The position is passed to the Core every END_POSITION_INTERVAL_S. Otherwise, after a
        restart, records of other subjects that retention removed would look like a gap.
        """
        place, now_s = self._position, time.monotonic()
        if place.next is not None and info.end > place.next:
            place.next, place.stored_ns = info.end, UNKNOWN
            if not self._buffer and now_s - self._moved_to_end_s >= END_POSITION_INTERVAL_S:
                self._moved_to_end_s = now_s
                self._buffer.append(Batch([], place.to_positions(self.name)))
                self._on_records()

    async def _reopen(self, client: Client, generation: int, info: StreamInfo) -> None:
        if self._pull is not None:
            log.warning("nats consumer replaced: stream=%s %s", self.name, self._pull.lost_reason)
            await self.close(is_answering=self._pull.generation == generation)
        await self._resume(client, info)
        narrow = not is_within(info.config.subjects, self._pattern)
        self._filter = self._pattern if narrow else None
        pull = PullConsumer(
            client, self.name, generation, self._on_record, self._on_records, self._on_change
        )
        start = self._position.next or info.first
        await pull.open(start, self._filter)
        self._stalls = 0
        self._pull = (
            pull  # Not earlier: a concurrent `request_more` would use a consumer without a name.
        )
        log.info("nats stream opened: %s from %d", self.name, start)

    async def _resume(self, client: Client, info: StreamInfo) -> None:
        """Determine where to read on; a lost range becomes a gap first."""
        place = self._position
        reason = await gap_reason(client, info, place)
        if reason in ("truncated", "recreated") and self._skip_lost:
            log.error("nats records may be lost: stream=%s reason=%s", self.name, reason)
            place.next, place.stored_ns, reason = info.end, UNKNOWN, None
        if reason is not None and place.next is not None:
            self._append_gap(place.next, info.first, reason)
            place.stored_ns = UNKNOWN
        if reason is not None or place.next is None:
            place.next = info.first
        if self._filter is None or reason in ("truncated", "recreated"):
            self.end = info.end
        if place.created_ns != info.created_ns:
            place.created_ns = info.created_ns
            self._unsaved[created_key(self.name)] = info.created_ns

    def _append_gap(self, start: int, stop: int, reason: GapReason) -> None:
        gap = Gap(self.name, None, start, stop, reason, self._scope_id)
        moved = {self.name: stop, stored_key(self.name): UNKNOWN}
        log.error(
            "nats gap: the server no longer holds the stored position: "
            "stream=%s from=%d to=%d reason=%s",
            *(self.name, start, stop, reason),
        )
        self._buffer.append(Batch([], moved, [gap]))
        self._on_records()

    # --- records --------------------------------------------------------------------------------

    def _on_record(self, message: Msg, sequence: int, stored_ns: int, pending: int) -> bool:
        """Buffer a record; returns False if its sequence was delivered before."""
        place = self._position
        expected = place.next or sequence
        if sequence < expected:
            return False
        if sequence > expected and self._filter is None:
            self._append_gap(expected, sequence, "retention")
        record = Record(message.subject, message.data, f"{self.name}@{sequence}")
        self._buffer.append((record, sequence, stored_ns))
        place.next, place.stored_ns = sequence + 1, stored_ns
        self.records += 1
        self.size_bytes += len(message.data)
        if self._filter is not None or sequence + pending >= self.end:
            self.end = sequence + 1 + pending
        if self.records == 1:
            self._on_records()
        return True

    def move_records(self, batch: Batch, size_bytes: int, records_max: int, bytes_max: int) -> int:
        """Move records to a batch, up to its limits or the next gap; returns the batch's bytes."""
        buffer, records = self._buffer, batch.records
        assert isinstance(records, list)
        last: BufferedRecord | None = None
        while buffer and len(records) < records_max and size_bytes < bytes_max:
            item = buffer[0]
            if isinstance(item, Batch):
                break
            buffer.popleft()
            last = item
            records.append(item[0])
            size = len(item[0].value)
            size_bytes += size
            self.size_bytes -= size
            self.records -= 1
        if last is not None:
            batch.positions.update(self._unsaved)
            batch.positions[self.name] = last[1] + 1
            batch.positions[stored_key(self.name)] = last[2]
            self._unsaved.clear()
        return size_bytes

    def take_single(self) -> Batch | None:
        """The gap or moved position that is next, which is delivered as its own batch."""
        item = self._buffer[0] if self._buffer else None
        if not isinstance(item, Batch):
            return None
        self._buffer.popleft()
        item.positions.update(self._unsaved)
        self._unsaved.clear()
        return item
