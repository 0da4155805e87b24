"""Derives a definition over a range of history, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import NamedTuple

from nova.core.definitions.definition import Definition
from nova.core.derivation.column_reader import ColumnReader
from nova.core.derivation.definition_inputs import DefinitionInputs
from nova.core.derivation.derivation import Derivation, DerivedRecords, Evaluator
from nova.core.derivation.input_slot import InputSlot
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.field_values import FieldValuesPart
from nova.core.store.range_split import PARTS_MAX, TimeDistribution
from nova.core.store.sample_store import SampleStore
from nova.sdk.transport.base import Record

PIECE_EVENTS = 50_000

Deliver = Callable[[Sequence[Record]], Awaitable[None]]


class HistorySpan(NamedTuple):
    """A range of source time in ns, both ends included, as of a canonical time."""

    start_ns: int
    stop_ns: int
    watermark: int


class HistoryStep(NamedTuple):
    """A piece that is derived and delivered: where the next one begins, the estimated share of all
    events, and what it made.
    """

    next_ns: int
    passed: int
    total: int
    derived: DerivedRecords


class HistoryRun:
    """One definition over one range."""

    def __init__(
        self,
        definition: Definition,
        snapshot: ArchiveSnapshot,
        samples: SampleStore | None,
        evaluator: Evaluator,
        span: HistorySpan,
        piece_events: int = PIECE_EVENTS,
    ) -> None:
        self._span = span
        self._snapshot = snapshot
        self._piece_events = piece_events
        inputs = DefinitionInputs(definition, snapshot, span.start_ns)
        self._derivation = Derivation(inputs, evaluator)
        for reader in inputs.readers.values():
            reader.until_ns = span.watermark
        self._readers = {
            slot: ColumnReader(snapshot, samples, slot, inputs.texts[slot], reader)
            for slot, reader in inputs.readers.items()
        }

    @property
    def reads_columns(self) -> bool:
        """Whether all inputs come from columns."""
        return all(reader.reads_columns for reader in self._readers.values())

    async def run(self, deliver: Deliver) -> AsyncIterator[HistoryStep]:
        """Derive the range; `deliver` gets the records of a piece while the next one is derived.
        Yields each piece once it is delivered.
        """
        pieces = self._pieces()
        total = sum(events for _, _, events in pieces)
        passed = 0
        delivering: asyncio.Task[None] | None = None
        step: HistoryStep | None = None
        try:
            for start_ns, stop_ns, events in pieces:
                derived = await self._derive(start_ns, stop_ns - 1)
                if delivering is not None and step is not None:
                    await delivering
                    yield step
                passed += events
                step = HistoryStep(stop_ns, passed, total, derived)
                delivering = asyncio.ensure_future(deliver(derived.records))
            if delivering is not None and step is not None:
                await delivering
                yield step
        finally:
            if delivering is not None and not delivering.done():
                delivering.cancel()

    def _pieces(self) -> list[tuple[int, int, int]]:
        """Half-open ranges of source time, and the estimated events of each."""
        archive, span = self._snapshot.archive, self._span
        if span.start_ns > span.stop_ns:
            return []
        shape = TimeDistribution(archive, "source", span.start_ns, span.stop_ns)
        count = max(1, -(-shape.events // self._piece_events))
        shape.refine(min(count, PARTS_MAX))
        return [(piece[0], piece[1], piece[2]) for piece in shape.split(count)]

    async def _derive(self, start_ns: int, stop_ns: int) -> DerivedRecords:
        parts: dict[InputSlot, FieldValuesPart] = {}
        for slot, reader in self._readers.items():
            parts[slot] = reader.between(start_ns, stop_ns)
            await asyncio.sleep(0)
        return await self._derivation.derive(parts, self._span.watermark)
