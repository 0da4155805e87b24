"""Commits: dedupes and stamps consumed events, and writes them as atomic batches.

One WriteBatch holds events, indexes, new series, requestIds, rejects, counters and the positions
after all of them, so a crash at any point leaves a prefix of the stream with exact positions. Only
the writer process commits, and only one commit is open at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nova.core.commit_feed import CommitFrame, CommittedEvent, NewSeries
from nova.core.ordering import time_of
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.catalog import Counters, Reject
from nova.core.store.durability_marker import DurabilityMarker, read_marker, require_durable
from nova.core.store.keys import event_keys, series_bytes
from nova.core.store.series_table import SeriesTable
from nova.core.store.write_batch import ArchiveBatch
from nova.core.writer.columns import BatchColumns, check_records, command_id_of, own_event_columns
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.driver_bindings import DriverBindings
from nova.core.writer.ingest_gaps import gap_event
from nova.core.writer.link_routes import LinkRoutes
from nova.core.writer.rollup_backfill import backfill
from nova.core.writer.rollup_counter import RollupCounter
from nova.sdk.drivers.registry import DriverRegistry
from nova.sdk.events.checker import Checker
from nova.sdk.events.event import Event, Series, stamped
from nova.sdk.manifests.manifest import CardManifest
from nova.sdk.settings import GROUND_SCOPE
from nova.sdk.transport.base import Batch as Consumed
from nova.sdk.transport.base import Receipt, Record, Rejection

REJECT_RAW_MAX_BYTES = 8 * 1024 * 1024
"""Bytes that are stored of a rejected record; of a larger one its first bytes and its size."""

REASON_MAX_CHARS = 1_000
COMMAND_REQUEST = "CommandRequest"


class Committer:
    """The writer's state: the last canonical time, positions, counters, and the open commit."""

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
        limits = limits or CommitLimits()
        self.archive = archive
        self.series = SeriesTable()
        self.link_routes = LinkRoutes(archive)
        self.checker = Checker(scope_id, limits.envelope_max_bytes, manifests, own_scope=own_scope)
        self._own_scope = own_scope
        self._commit_max_bytes = limits.commit_max_bytes
        self._commit_max_events = limits.commit_max_events
        self._clock = clock
        self.positions: dict[str, dict[str, int]] = {}
        self._recover(data)
        self._bindings = DriverBindings(archive, self.series, registry) if registry else None
        self._batch: ArchiveBatch = archive.batch()
        self._open_keys: set[bytes] = set()
        self._closed_commits: list[CommitFrame] = []
        self._events: list[CommittedEvent] = []
        self._new_series: list[NewSeries] = []

    def _recover(self, data: Path) -> None:
        """Read the archive's state; raises ArchiveDamagedError if the archive holds less than its
        durability marker records.
        """
        archive = self.archive
        archive.record.check_schema()
        self.series.load(archive)
        self.counters: Counters = archive.record.counters()
        newest = archive.events.last("canonical")
        last_ns = archive.record.last_canonical_ns()
        self.last_ns = max(last_ns, time_of(newest[0]) if newest else 0)
        require_durable(read_marker(data), self._holdings(), archive.path)
        for _ in backfill(archive, self.series, self.counters.events):
            pass
        self._rollups = RollupCounter(archive)
        for link in self.counters.links:
            self.load_positions(link)
        self._closed_marker = self._holdings()

    def marker(self) -> DurabilityMarker:
        """The archive at the last closed commit; durable once a later `sync` has returned."""
        return self._closed_marker

    def _holdings(self) -> DurabilityMarker:
        """The current counts; they match the archive only while no commit is open."""
        return DurabilityMarker(
            sequence=self.archive.sequence(),
            canonical_ns=self.last_ns,
            events=self.counters.events,
            positions={link: dict(streams) for link, streams in self.positions.items()},
        )

    def load_positions(self, link: str) -> dict[str, int]:
        """The stored positions of a link."""
        self.positions[link] = self.archive.record.positions(link)
        return dict(self.positions[link])

    def add_batch(
        self, link: str, consumed: Consumed, columns: BatchColumns | None = None
    ) -> tuple[Receipt, list[CommitFrame]]:
        """Add a consumed batch to the open commit. Returns its receipt and the commits that it
        closed on the way, if it is large.

        `columns` are the batch's columns if its records have been checked already. Positions and
        rejects are added last, with the end of the batch: after a crash in between, the batch is
        consumed again and its events are deduplicated.
        """
        if columns is None:
            columns = check_records(consumed.records, self.checker)
        receipt = Receipt()
        closed: list[CommitFrame] = []
        for gap in consumed.gaps:
            event = gap_event(link, gap, scope_id=self._own_scope, now_ns=self._next_time())
            closed += self._add(own_event_columns(event), [0])
        unknown = self._new_events(columns.keys)
        receipt.new = len(unknown)
        receipt.duplicate = len(columns.keys) - len(unknown)
        closed += self._add(columns, unknown)
        for refused in columns.refusals:
            rejected = Rejection(*refused)._replace(reason=refused.reason[:REASON_MAX_CHARS])
            self._reject(link, consumed.records[refused.place], rejected)
            receipt.rejected.append(rejected)
        self.link_routes.update(link, columns, self.put_record)
        self._count(link, consumed, receipt)
        if consumed.positions:
            self._store_positions(link, consumed.positions)
        return receipt, closed

    def record(self, event: Event) -> int | None:
        """Add an event of the Core itself to the open commit. Returns its canonical time in ns, or
        None if the archive has it already; `drain_closed` returns the commits that it closed.
        """
        incoming = own_event_columns(event)
        unknown = self._new_events(incoming.keys)
        self._closed_commits += self._add(incoming, unknown)
        return self.last_ns if unknown else None

    def add_imported(self, link: str, consumed: Consumed, columns: BatchColumns) -> Receipt:
        """`add_batch` without a transport; `drain_closed` returns the commits that it closed."""
        receipt, closed = self.add_batch(link, consumed, columns)
        self._closed_commits += closed
        return receipt

    def drain_closed(self) -> list[CommitFrame]:
        """The commits that `record` and `add_imported` have closed since the last call."""
        closed, self._closed_commits = self._closed_commits, []
        return closed

    def has_key(self, key: bytes) -> bool:
        """Whether the catalog or the open commit has the key of a requestId or commandId."""
        return key in self._open_keys or self.archive.record.has(key)

    def put_record(self, key: bytes, value: bytes) -> None:
        """Set a catalog record with the open commit."""
        self._batch.put_record(key, value)

    def delete_record(self, key: bytes) -> None:
        """Remove a catalog record with the open commit."""
        self._batch.delete_record(key)

    def record_all(self, events: Sequence[Event]) -> int:
        """`record` a few events; returns how many are new."""
        return sum(self.record(event) is not None for event in events)

    def _new_events(self, keys: Sequence[bytes]) -> list[int]:
        """Indexes of the events that the archive does not hold yet; of duplicates the first."""
        stored, fresh = self.archive.events.event_keys(keys), self._open_keys
        unknown: list[int] = []
        for number, (key, known) in enumerate(zip(keys, stored, strict=True)):
            if known is None and key not in fresh:
                fresh.add(key)
                unknown.append(number)
        return unknown

    def _next_time(self) -> int:
        """The next canonical time: the wall clock, but at least 1 ns after the last one."""
        self.last_ns = max(self._clock(), self.last_ns + 1)
        return self.last_ns

    def _add(self, columns: BatchColumns, unknown: Sequence[int]) -> list[CommitFrame]:
        """Stamp these events of a batch and add them to commits; returns the commits it closed.

        They were received together, so the clock is read once and each is stamped 1 ns after the
        one before.
        """
        closed: list[CommitFrame] = []
        if not unknown:
            return closed
        if self._bindings is not None:
            now_ns = max(self._clock(), self.last_ns + 1)
            unknown = self._bindings.insert_bindings(columns, unknown, self._open_keys, now_ns)
        series = [self._series_bytes(names) for names in columns.names]
        first_ns = self._next_time()
        places = event_keys(first_ns, [series[columns.series[number]] for number in unknown])
        keys = [columns.keys[number] for number in unknown]
        stored = stamped([columns.bodies[number] for number in unknown], first_ns)
        start = 0
        while start < len(unknown):
            end = self._fitting_end(stored, start)
            self._batch.put_events(places[start:end], keys[start:end], stored[start:end])
            self._rollups.count_batch(
                columns, unknown[start:end], places[start:end], keys[start:end]
            )
            self._events += zip(places[start:end], stored[start:end], strict=True)
            self._record_requests(columns, unknown[start:end], keys[start:end])
            self._count_orphan_feedback(columns, unknown[start:end])
            self.counters.events += end - start
            self.last_ns = first_ns + end - 1
            if self._is_full():
                closed.append(self.close_commit())
                self._open_keys.update(keys[end:])
            start = end
        return closed

    def _is_full(self) -> bool:
        return (
            len(self._events) >= self._commit_max_events
            or self._batch.size_bytes() >= self._commit_max_bytes
        )

    def _fitting_end(self, stored: Sequence[bytes], start: int) -> int:
        """The end of the events from `start` on that fit into the open commit, at least one."""
        room = self._commit_max_bytes - self._batch.size_bytes()
        end = min(len(stored), start + self._commit_max_events - len(self._events))
        for index in range(start, end):
            room -= len(stored[index])
            if room <= 0:
                return index + 1
        return end

    def _series_bytes(self, names: Series) -> bytes:
        """The series bytes of a series; a new series is recorded in the open commit."""
        number, is_new = self.series.intern(names)
        if is_new:
            record_key = catalog.series_record_key(number)
            self._batch.put_record(record_key, catalog.encode_series(names))
            self._new_series.append(NewSeries(number, names))
        return series_bytes(number)

    def _record_requests(
        self, columns: BatchColumns, numbers: Sequence[int], keys: Sequence[bytes]
    ) -> None:
        """Record the first CommandRequest of each requestId, and count the others."""
        if not columns.requests:
            return
        requests = dict(columns.requests)
        for number, source_key in zip(numbers, keys, strict=True):
            request_id = requests.get(number)
            if request_id is None:
                continue
            scope_id = columns.names[columns.series[number]].scope_id
            key = catalog.request_key(scope_id, request_id)
            if not self.has_key(key):
                self._open_keys.add(key)
                self._batch.put_record(key, source_key)
                self._record_command(scope_id, columns.bodies[number], request_id)
            else:
                self.counters.request_clashes += 1

    def _record_command(self, scope_id: str, body: bytes, request_id: str) -> None:
        """Record the requestId that first used a commandId."""
        key = catalog.command_key(scope_id, command_id_of(body))
        if not self.has_key(key):
            self._open_keys.add(key)
            self._batch.put_record(key, request_id.encode())

    def _count_orphan_feedback(self, columns: BatchColumns, numbers: Sequence[int]) -> None:
        """Count orphan feedback: progress and results of commands that are not in the archive."""
        feedback_scopes = {
            index: names.scope_id
            for index, names in enumerate(columns.names)
            if names.lane == "command" and names.message_type != COMMAND_REQUEST
        }
        for number in numbers if feedback_scopes else ():
            scope_id = feedback_scopes.get(columns.series[number])
            if scope_id is None:
                continue
            key = catalog.command_key(scope_id, command_id_of(columns.bodies[number]))
            self.counters.unknown_commands += not self.has_key(key)

    def _reject(self, link: str, record: Record, rejected: Rejection) -> None:
        reject = Reject(
            canonical_ns=self._next_time(),
            code=rejected.code,
            member=rejected.member,
            reason=rejected.reason,
            link=link,
            position=record.position,
            address=record.address,
            size=len(record.value),
            raw=record.value[:REJECT_RAW_MAX_BYTES],
        )
        key = catalog.reject_key(self.counters.rejects)
        self._batch.put_record(key, catalog.encode_reject(reject))
        self.counters.rejects += 1

    def _count(self, link: str, consumed: Consumed, receipt: Receipt) -> None:
        self.counters.duplicates += receipt.duplicate
        of_link = self.counters.of_link(link)
        of_link.received += len(consumed.records)
        of_link.gaps += len(consumed.gaps)
        if consumed.records:
            of_link.last_ns = max(self._clock(), self.last_ns)
        of_link.new += receipt.new
        of_link.duplicate += receipt.duplicate
        of_link.rejected += len(receipt.rejected)

    def _store_positions(self, link: str, positions: dict[str, int]) -> None:
        streams = self.positions.setdefault(link, {})
        streams.update(positions)
        self._batch.put_record(catalog.position_key(link), catalog.encode_positions(streams))

    def close_commit(self) -> CommitFrame:
        """Write the open commit and open the next; its events are durable after the next sync."""
        self._batch.put_record(catalog.COUNTERS_KEY, catalog.encode_counters(self.counters))
        self._batch.put_record(catalog.LAST_CANONICAL_KEY, catalog.encode_time(self.last_ns))
        self._batch.put_record(catalog.SCHEMA_KEY, catalog.SCHEMA_VERSION)
        self._rollups.write(self._batch)
        if self._bindings is not None:
            self._bindings.write(self._batch)
        self.archive.write(self._batch)
        committed = CommitFrame(self.last_ns, self._new_series, self._events)
        self._batch = self.archive.batch()
        self._open_keys, self._events, self._new_series = set(), [], []
        self._closed_marker = self._holdings()
        return committed
