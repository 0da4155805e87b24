"""Derives one definition live: from each durable event on, in the order of arrival."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from nova.core.definitions.definition import Definition
from nova.core.derivation.definition_health import DefinitionHealth
from nova.core.derivation.definition_inputs import DefinitionInputs
from nova.core.derivation.derivation import Derivation, Evaluator
from nova.core.derivation.derivation_errors import FormulaError
from nova.core.derivation.event_parts import event_parts
from nova.core.derivation.known_rows import KEPT_ROWS
from nova.core.derivation.series_filter import SeriesFilter
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.range_cursor import Hit, RangeCursor, Span
from nova.sdk.transport.base import Record

PASS_EVENTS = 4_000
TEXTS_MAX = 100_000
"""Different texts of a definition's inputs in memory; beyond, its rows are read again."""

Publish = Callable[[Sequence[Record]], Awaitable[None]]
"""Returns once the records are durable, or refused for good, which it reports."""

Advance = Callable[[int], None]

log = logging.getLogger(__name__)


class RetryPauses(NamedTuple):
    """Pauses after a failed attempt, which double."""

    first_s: float = 1.0
    max_s: float = 60.0


RETRY_PAUSES = RetryPauses()


class LiveDefinition:
    """Follows the archive for one definition. A failure stops this one alone: it is tried again
    from the same position.
    """

    def __init__(
        self,
        definition: Definition,
        snapshot: ArchiveSnapshot,
        process: Evaluator,
        position_ns: int,
        pauses: RetryPauses = RETRY_PAUSES,
        kept_rows: int = KEPT_ROWS,
    ) -> None:
        self.definition = definition
        self.health = DefinitionHealth(definition)
        self.position_ns = position_ns
        self._snapshot = snapshot
        self._process = process
        self._pauses = pauses
        self._kept_rows = kept_rows
        self._derivation: Derivation | None = None
        self._wanted = SeriesFilter(DefinitionInputs(definition, snapshot).series, snapshot.series)

    async def follow(self, advanced: asyncio.Condition, publish: Publish, done: Advance) -> None:
        """Derive up to the snapshot's watermark whenever it has advanced, until cancelled; `done`
        is called with each position up to which everything is published.
        """
        pause_s = self._pauses.first_s
        while True:
            try:
                while self.position_ns < self._snapshot.watermark:
                    await self.step(publish)
                    done(self.position_ns)
                pause_s = self._pauses.first_s
                async with advanced:
                    await advanced.wait_for(lambda: self.position_ns < self._snapshot.watermark)
            except FormulaError as error:
                self._derivation = None  # Its rows include those of the failed attempt.
                await self._say(publish, self.health.stop(str(error)))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._pauses.max_s)

    async def step(self, publish: Publish) -> None:
        """Derive what the next events make, publish it and move the position past them."""
        watermark = self._snapshot.watermark
        span = Span("canonical", self.position_ns + 1, watermark)
        cursor = RangeCursor(self._snapshot, self._wanted, span)
        hits: list[Hit] = []
        while not cursor.done and len(hits) < PASS_EVENTS:
            hits += await cursor.next_slice(PASS_EVENTS - len(hits))
        is_end = cursor.done or cursor.after is None
        until_ns = watermark if is_end else time_of(cursor.after or b"")
        if self._derivation is None:
            inputs = DefinitionInputs(self.definition, self._snapshot, kept_rows=self._kept_rows)
            self._derivation = Derivation(inputs, self._process)
        parts = event_parts(self._derivation.inputs, self._snapshot.series, hits)
        made = await self._derivation.derive(parts, until_ns)
        self.health.add_evaluation(made.slowest_s)
        await publish(made.records)
        self.position_ns = until_ns
        if self._derivation.inputs.texts_count > TEXTS_MAX:
            self._derivation = None
        if made.events:
            changed = self.health.count(len(made.records), made.failures, made.reason)
            await self._say(publish, changed)

    async def _say(self, publish: Publish, changed: Record | None) -> None:
        if changed is not None:
            await publish([changed])
