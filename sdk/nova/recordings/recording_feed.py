"""Publishes a recording: reads ahead, keeps the order, and paces to real time if asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from nova.recordings.recording import Step
from nova.sdk.producer.producer import Producer
from nova.sdk.timestamps import NS_PER_SECOND
from nova.sdk.transport.base import Record

READ_AHEAD_MAX_STEPS = 500
READ_AHEAD_MAX_BYTES = 4 * 1024 * 1024
LISTED_MAX = 10
"""Rejections and problems that are kept with their texts; all are counted."""
NO_ADDRESS = "scopeId and lane cannot be read, and a broker needs them to store the record"


class ListedRejection(NamedTuple):
    """A record that the Core rejected, and its place in the file."""

    place: str
    code: str
    member: str
    reason: str


class NoteCount(NamedTuple):
    """How often a note occurred, and where first."""

    times: int
    first_place: str


@dataclass(slots=True)
class PublishTally:
    """The outcome of a recording's records so far."""

    sent: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    unreadable: int = 0
    rejections: list[ListedRejection] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: dict[str, NoteCount] = field(default_factory=dict)

    @property
    def stored(self) -> int:
        """Records that a broker stored; the Core has not judged them yet."""
        return self.sent - self.new - self.duplicate - self.rejected

    @property
    def is_clean(self) -> bool:
        """Whether all of the recording was published and nothing was rejected."""
        return not (self.rejected or self.unreadable)

    def count_problem(self, place: str, reason: str) -> None:
        """Count something that could not be published."""
        self.unreadable += 1
        if len(self.problems) < LISTED_MAX:
            self.problems.append(f"{place}: {reason}")

    def count_note(self, place: str, text: str) -> None:
        before = self.notes.get(text, NoteCount(0, place))
        self.notes[text] = before._replace(times=before.times + 1)

    def count_rejection(self, refused: ListedRejection) -> None:
        self.rejected += 1
        if len(self.rejections) < LISTED_MAX:
            self.rejections.append(refused)


class Pace:
    """The schedule of steps: `rate` times real time by their source times; None means unpaced."""

    def __init__(self, rate: float | None, now_s: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._now_s = now_s
        self._origin: tuple[float, int] | None = None

    def delay_s(self, source_ns: int | None) -> float:
        """Seconds until a step is due."""
        if self._rate is None or source_ns is None:
            return 0.0
        now_s = self._now_s()
        if self._origin is None:
            self._origin = (now_s, source_ns)
        begin_s, begin_ns = self._origin
        due_s = begin_s + (source_ns - begin_ns) / NS_PER_SECOND / self._rate
        return max(0.0, due_s - now_s)


class _BatchPublisher:
    """Publishes one batch of records while the next is being collected."""

    def __init__(self, producer: Producer, tally: PublishTally, requires_address: bool) -> None:
        self._producer = producer
        self._tally = tally
        self._requires_address = requires_address
        self._records: list[Record] = []
        self._places: list[str] = []
        self._pending: asyncio.Task[None] | None = None

    def add(self, step: Step) -> None:
        """Collect a step's records and count its problem and note."""
        if step.problem is not None:
            self._tally.count_problem(step.place, step.problem)
        if step.note is not None:
            self._tally.count_note(step.place, step.note)
        for record in step.records:
            if self._requires_address and record.address is None:
                self._tally.count_problem(step.place, NO_ADDRESS)
                continue
            self._records.append(record)
            self._places.append(step.place)

    async def flush(self) -> None:
        """Start publishing the collected records, once the previous batch is published."""
        await self.drain()
        if self._records:
            publish = self._publish(self._records, self._places)
            self._records, self._places = [], []
            self._pending = asyncio.create_task(publish)

    async def drain(self) -> None:
        """Wait until everything flushed is published."""
        if self._pending is not None:
            await self._pending
            self._pending = None

    async def cancel(self) -> None:
        """Cancel a publish that is in progress."""
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.wait([self._pending])

    async def _publish(self, records: list[Record], places: list[str]) -> None:
        receipt = await self._producer.publish(records)
        self._tally.sent += len(records)
        self._tally.new += receipt.new
        self._tally.duplicate += receipt.duplicate
        for number, code, member, reason in receipt.rejected:
            self._tally.count_rejection(ListedRejection(places[number], code, member, reason))


async def publish_recording(
    steps: Iterator[Step],
    producer: Producer,
    tally: PublishTally,
    *,
    pace: Pace | None = None,
    requires_address: bool = False,
    report: Callable[[int], None] = lambda offset_bytes: None,
) -> None:
    """Publish all steps in order. The tally is up to date even if this raises.

    `requires_address` skips records without an address; `report` is called with the bytes read so
    far.
    """
    pace = pace or Pace(None)
    sender = _BatchPublisher(producer, tally, requires_address)
    try:
        # Decoding is CPU-bound: in a thread it does not starve the connection.
        while batch := await asyncio.to_thread(_read_ahead, steps):
            for step in batch:
                delay_s = pace.delay_s(step.source_ns)
                if delay_s > 0:
                    await sender.flush()
                    await asyncio.sleep(delay_s)
                sender.add(step)
            await sender.flush()
            report(batch[-1].offset_bytes)
        await sender.drain()
    finally:
        await sender.cancel()


def _read_ahead(steps: Iterator[Step]) -> list[Step]:
    batch: list[Step] = []
    size_bytes = 0
    for step in steps:
        batch.append(step)
        size_bytes += sum(len(record.value) for record in step.records)
        if len(batch) == READ_AHEAD_MAX_STEPS or size_bytes >= READ_AHEAD_MAX_BYTES:
            break
    return batch
