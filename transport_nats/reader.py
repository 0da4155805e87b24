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

from sdk.transport.base import Batch, Gap, GapReason, Positions, Record
from transport_nats.jetstream import ConsumerInfo, StreamInfo
from transport_nats.naming import created_key, is_within, only_scope, stored_key
from transport_nats.pull import Pull
from transport_nats.resume import UNKNOWN, Place, why_gone

WINDOW_MAX_BYTES = 160 * 1024 * 1024
"""More than twice the largest max_payload of a NATS server (64 MiB)."""

SETTLE_INTERVAL_S = 30.0
STALLS_MAX = 2
"""After this many consecutive checks in which a consumer owes records and sends none, it is
replaced.
"""

log = logging.getLogger(__name__)

Arrival = tuple[Record, int, int]


class StreamReader:
    """One stream of a consumption: `check` keeps it open, `move_records` empties its buffer."""

    def __init__(
        self,
        name: str,
        pattern: str,
        positions: Positions,
        wake: Callable[[], None],
        call: Callable[[], None],
        *,
        never_again: bool = False,
    ) -> None:
        """With `skip_lost`, a stream that lost its position is read on at its end."""
        self.name = name
        self._never_again = never_again
        self.end = 0
        self.records = 0
        self.size_bytes = 0
        self._pattern = pattern
        self._wake = wake
        self._call = call
        self._place = Place.of_positions(name, positions)
        self._unsaved: Positions = {}
        self._buffer: deque[Arrival | Batch] = deque()
        self._settled_s = -SETTLE_INTERVAL_S
        self._pull: Pull | None = None
        self._filter: str | None = None
        self._scope_id: str | None = None
        self._wider_bytes = 0
        self._stalls = 0

    # --- looking after it ---------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the stream is being read."""
        return self._pull is not None and self._pull.lost is None

    async def tend(
        self, client: Client, generation: int, info: StreamInfo, window_bytes: int
    ) -> None:
        """Open or replace the consumer as needed; raises JetStreamError or nats' Error."""
        subjects = info.config.subjects
        self._scope_id = only_scope(subjects)
        if self._filter is None:
            self.end = max(self.end, info.end)
        pull = self._pull
        if pull is not None and info.created_ns != self._place.created_ns:
            pull.lost = "the stream was recreated"
        if pull is not None and pull.lost is None and pull.generation == generation:
            await self._watch(pull, info)
        if pull is None or pull.lost is not None or pull.generation != generation:
            await self._reopen(client, generation, info)
        await self.ask(window_bytes)

    async def ask(self, window_bytes: int) -> None:
        """Request as many records as there is room for."""
        pull = self._pull
        if pull is None:
            return
        if pull.is_too_narrow:
            pull.is_too_narrow = False
            widest = max(self._wider_bytes, window_bytes)
            self._wider_bytes = min(2 * widest, WINDOW_MAX_BYTES)
        await pull.ask(self.records, self.size_bytes, max(window_bytes, self._wider_bytes))

    async def close(self, is_answering: bool) -> None:
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.close(is_answering)

    async def _watch(self, pull: Pull, info: StreamInfo) -> None:
        """Detect a stalled consumer, and records that were removed before they were delivered."""
        behind = self._place.next or 0
        if pull.is_silent():
            pull.lost = "no messages and no heartbeats arrive"
        elif self._filter is not None or info.first > behind or self._owes(pull, info):
            state = await pull.info()
            if state.delivered.consumer_seq != pull.received or self._place.next != behind:
                return  # Records are in flight: check again next time.
            self._stalls = self._stalls + 1 if state.num_pending and pull.is_idle() else 0
            if self._stalls == STALLS_MAX:
                pull.lost = f"it owes {state.num_pending} records and sends none"
            elif self._filter is not None and state.num_pending == 0:
                self._settle(info)
            elif info.first > behind:
                pull.lost = "records were removed before they were delivered"
            self._note_pending(state)

    def _owes(self, pull: Pull, info: StreamInfo) -> bool:
        """Whether requested records have not arrived for a while."""
        return pull.is_idle() and info.end > (self._place.next or 0)

    def _note_pending(self, told: ConsumerInfo) -> None:
        if self._filter is not None and self._place.next is not None:
            self.end = self._place.next + told.num_pending

    def _settle(self, info: StreamInfo) -> None:
        """All matching records up to the stream's end are delivered: move the position there.

        The position is passed to the Core every END_POSITION_INTERVAL_S. Otherwise, after a
        restart, records of other subjects that retention removed would look like a gap.
        """
        place, now_s = self._place, time.monotonic()
        if place.next is not None and info.end > place.next:
            place.next, place.stored_ns = info.end, UNKNOWN
            if not self._buffer and now_s - self._settled_s >= SETTLE_INTERVAL_S:
                self._settled_s = now_s
                self._buffer.append(Batch([], place.positions(self.name)))
                self._wake()

    async def _reopen(self, client: Client, generation: int, info: StreamInfo) -> None:
        if self._pull is not None:
            log.warning("nats consumer replaced: stream=%s %s", self.name, self._pull.lost)
            await self.close(is_answering=self._pull.generation == generation)
        await self._resume(client, info)
        narrow = not is_within(info.config.subjects, self._pattern)
        self._filter = self._pattern if narrow else None
        pull = Pull(client, self.name, generation, self._arrive, self._wake, self._call)
        start = self._place.next or info.first
        await pull.open(start, self._filter)
        self._stalls = 0
        self._pull = (
            pull  # Not earlier: a concurrent `request_more` would use a consumer without a name.
        )
        log.info("nats stream opened: %s from %d", self.name, start)

    async def _resume(self, client: Client, info: StreamInfo) -> None:
        """Determine where to read on; a lost range becomes a gap first."""
        place = self._place
        reason = await why_gone(client, info, place)
        if reason in ("truncated", "recreated") and self._never_again:
            log.error("nats records may be lost: stream=%s reason=%s", self.name, reason)
            place.next, place.stored_ns, reason = info.end, UNKNOWN, None
        if reason is not None and place.next is not None:
            self._tell_gap(place.next, info.first, reason)
            place.stored_ns = UNKNOWN
        if reason is not None or place.next is None:
            place.next = info.first
        if self._filter is None or reason in ("truncated", "recreated"):
            self.end = info.end
        if place.created_ns != info.created_ns:
            place.created_ns = info.created_ns
            self._unsaved[created_key(self.name)] = info.created_ns

    def _tell_gap(self, start: int, stop: int, reason: GapReason) -> None:
        gap = Gap(self.name, None, start, stop, reason, self._scope_id)
        moved = {self.name: stop, stored_key(self.name): UNKNOWN}
        log.error(
            "nats gap: the server no longer holds the stored position: "
            "stream=%s from=%d to=%d reason=%s",
            *(self.name, start, stop, reason),
        )
        self._buffer.append(Batch([], moved, [gap]))
        self._wake()

    # --- records --------------------------------------------------------------------------------

    def _arrive(self, message: Msg, sequence: int, stored_ns: int, pending: int) -> bool:
        """Buffer a record; returns False if its sequence was delivered before."""
        place = self._place
        expected = place.next or sequence
        if sequence < expected:
            return False
        if sequence > expected and self._filter is None:
            self._tell_gap(expected, sequence, "retention")
        record = Record(message.subject, message.data, f"{self.name}@{sequence}")
        self._buffer.append((record, sequence, stored_ns))
        place.next, place.stored_ns = sequence + 1, stored_ns
        self.records += 1
        self.size_bytes += len(message.data)
        if self._filter is not None or sequence + pending >= self.end:
            self.end = sequence + 1 + pending
        if self.records == 1:
            self._wake()
        return True

    def take(self, batch: Batch, size_bytes: int, records_max: int, bytes_max: int) -> int:
        """Move records to a batch, up to its limits or the next gap; returns the batch's bytes."""
        buffer, records = self._buffer, batch.records
        assert isinstance(records, list)
        last: Arrival | None = None
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

    def take_alone(self) -> Batch | None:
        """The gap or moved position that is next, which is delivered as its own batch."""
        item = self._buffer[0] if self._buffer else None
        if not isinstance(item, Batch):
            return None
        self._buffer.popleft()
        item.positions.update(self._unsaved)
        self._unsaved.clear()
        return item
