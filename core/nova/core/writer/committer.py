"""Commits: dedupes and stamps consumed events, and writes them as atomic batches.

One WriteBatch holds events, indexes, new series, requestIds, rejects, counters and the positions
after all of them, so a crash at any point leaves a prefix of the stream with exact positions. Only
the writer process commits, and only one commit is open at a time. `stages/stage_list.py` has the
stages through which a batch passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nova.core.commit_feed import CommitFrame
from nova.core.store.archive import Archive
from nova.core.store.durability_marker import DurabilityMarker
from nova.core.writer.columns import (
    BatchColumns,
    check_records,
    columns_of,
    own_event_columns,
)
from nova.core.writer.commit import Commit
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.delivered_batch import DeliveredBatch
from nova.core.writer.ingest_gaps import gap_event
from nova.core.writer.new_events import StampedEvents
from nova.core.writer.rollup_rows import RollupRows
from nova.core.writer.stages import stage_list
from nova.core.writer.stages.link_routes import LinkRoutes
from nova.core.writer.writer_state import recover
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.events.checker import Checker
from nova.sdk.events.event import Event
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.settings import GROUND_SCOPE
from nova.sdk.transport.base import Batch as Consumed
from nova.sdk.transport.base import Receipt, Rejection

REASON_MAX_CHARS = 1_000


class Committer:
    """Passes batches through the stages into the open commit, and closes it when it is full."""

    def __init__(
        self,
        archive: Archive,
        data: Path,
        *,
        scope_id: str | None = None,
        own_scope: str = GROUND_SCOPE,
        limits: CommitLimits | None = None,
        manifests: Sequence[CardManifest] = (),
        clock: Callable[[], int] = time.time_ns,
        registry: DriverRegistry | None = None,
    ) -> None:
        self._limits = limits or CommitLimits()
        self.archive = archive
        self._state = recover(archive, data, clock)
        self.series = self._state.series
        self.counters = self._state.counters
        self.link_routes = LinkRoutes(archive)
        self.checker = Checker(
            scope_id, self._limits.envelope_max_bytes, manifests, own_scope=own_scope
        )
        self.own_scope = own_scope
        """The scope of this instance's own events."""

        self._stages = stage_list.stages(archive, self._state, self.link_routes, registry)
        self._rollup_rows = RollupRows(archive)
        self._closed_commits: list[CommitFrame] = []
        self._open_next()

    def _open_next(self) -> None:
        """Open a commit on the archive as it is now."""
        self.open = Commit(self.archive, self._state, self._limits)
        self._closed_marker = self._state.marker(self.archive.sequence())

    @property
    def last_ns(self) -> int:
        """The last canonical time that was assigned."""
        return self._state.clock.last_ns

    def estimate_ns(self) -> int:
        """The next canonical time if it were assigned now."""
        return self._state.clock.estimate_ns()

    def pass_time(self) -> int:
        """Assign a canonical time to no event, so that every later event is after it."""
        return self._state.clock.next_ns()

    def marker(self) -> DurabilityMarker:
        """The archive at the last closed commit; durable once a later `sync` has returned."""
        return self._closed_marker

    def load_positions(self, link: str) -> dict[str, int]:
        """The stored positions of a link."""
        self._state.positions[link] = self.archive.record.positions(link)
        return dict(self._state.positions[link])

    def add_batch(
        self, link: str, consumed: Consumed, columns: BatchColumns | None = None
    ) -> tuple[Receipt, list[CommitFrame]]:
        """Add a consumed batch to the open commit. Returns its receipt and the commits that it
        closed on the way, if it is large. `columns` are the batch's columns if its records have
        been checked already.
        """
        if columns is None:
            columns = check_records(consumed.records, self.checker)
        receipt = self.add_imported(link, consumed, columns)
        return receipt, self.drain_closed()

    def new_numbers(self, columns: BatchColumns) -> Sequence[int]:
        """The indexes of the events that neither the archive nor the open commit has."""
        return self._stages.dedupe(columns, self.open)[0].numbers

    def add_imported(self, link: str, consumed: Consumed, columns: BatchColumns) -> Receipt:
        """`add_batch` without a transport; `drain_closed` returns the commits that it closed."""
        for gap in consumed.gaps:
            now_ns = self._state.clock.next_ns()
            self.record(gap_event(link, gap, scope_id=self.own_scope, now_ns=now_ns))
        new = self._add_events(columns)
        refusals = {refused.place: refused for refused in consumed.refusals}
        rejected = [
            one._replace(reason=one.reason[:REASON_MAX_CHARS])
            for refused in columns.refusals
            for one in (refusals.get(refused.place) or Rejection(*refused),)
        ]
        receipt = Receipt(new, len(columns.keys) - new, rejected)
        delivered = DeliveredBatch(link, consumed, columns, receipt)
        for stage in self._stages.of_delivery:
            self.open.add(stage(delivered, self.open))
        return receipt

    def record(self, event: Event) -> int | None:
        """Add an event of the Core itself to the open commit. Returns its canonical time in ns, or
        None if the archive has it already; `drain_closed` returns the commits that it closed.
        """
        return self.last_ns if self._add_events(own_event_columns(event)) else None

    def record_together(self, events: Sequence[Event]) -> int | None:
        """`record` a few events in one commit, although it may exceed its limits by them. Returns
        the canonical time of the last one, or None if the archive has all of them already.
        """
        return self.last_ns if self._add_events(columns_of(events, []), is_one_part=True) else None

    def record_all(self, events: Sequence[Event]) -> int:
        """`record` a few events; returns how many are new."""
        return sum(self.record(event) is not None for event in events)

    def drain_closed(self) -> list[CommitFrame]:
        """The commits that have been closed on the way since the last call."""
        closed, self._closed_commits = self._closed_commits, []
        return closed

    def _add_events(self, columns: BatchColumns, *, is_one_part: bool = False) -> int:
        """Add the events that the archive lacks to commits, or (`is_one_part`) all to the open one;
        returns how many of the columns.
        """
        events, added = self._stages.dedupe(columns, self.open)
        self.open.add(added)
        if not events.numbers:
            return 0
        for select in self._stages.before_stamp:
            events, added = select(events, self.open)
            self.open.add(added)
        stamped, added = self._stages.stamp(events, self.open)
        self.open.add(added)
        self._add_parts(stamped, is_one_part)
        return events.received

    def _add_parts(self, stamped: StampedEvents, is_one_part: bool) -> None:
        """Add events to the open commit, and to the next ones once it is full."""
        start = 0
        while start < len(stamped.stored):
            end = len(stamped.stored)
            if not is_one_part:
                end = self.open.fitting_end(stamped.stored, start)
            part = stamped.part(start, end)
            self.open.add_events(part)
            for stage in self._stages.of_part:
                self.open.add(stage(part, self.open))
            if self.open.is_full():
                self._closed_commits.append(self.close_commit())
                self.open.keys.update(stamped.source_keys[end:])
            start = end

    def close_commit(self) -> CommitFrame:
        """Write the open commit and open the next; its events are durable after the next sync."""
        frame = self.open.write(self._rollup_rows.after(self.open.rollups))
        self._open_next()
        return frame
