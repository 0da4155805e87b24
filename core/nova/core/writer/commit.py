"""The open commit: what one atomic WriteBatch will hold."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from nova.core.commit_feed import ColumnEvents, CommitFrame, NewSeries
from nova.core.ordering import time_of
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.writer.additions import NO_INCREMENTS, Additions, Increments
from nova.core.writer.commit_limits import CommitLimits
from nova.core.writer.new_events import StampedEvents
from nova.core.writer.removed_events import RemovedEvents
from nova.core.writer.rollup_counts import RollupTotals, add_counts
from nova.core.writer.writer_state import WriterState
from nova.sdk.native import native_part
from nova.sdk.native_columns import KeySet


class Commit:
    """Events, new series, keys, catalog rows, counts and positions, which `write` writes together.

    Stages read it, and the committer adds to it what they return. `state` is that of the archive
    with this commit.
    """

    def __init__(self, archive: Archive, state: WriterState, limits: CommitLimits) -> None:
        self.state = state
        self.keys = _key_set()
        """Order keys of events, and catalog keys of requestIds and commandIds, that are new."""

        self.selections: dict[bytes, str] = {}
        """By catalog key of a stream, the driver that this commit selects for it."""

        self.rollups: RollupTotals = {}
        self._archive = archive
        self._limits = limits
        self._batch = archive.batch()
        self._events = ColumnEvents()
        self._series: list[NewSeries] = []
        self._has_removed = False

    def has_key(self, key: bytes) -> bool:
        """Whether the catalog or this commit has the key of a requestId or commandId."""
        return key in self.keys or self._archive.record.has(key)

    def put_record(self, key: bytes, value: bytes) -> None:
        """Set a catalog record."""
        self._batch.put_record(key, value)

    def delete_record(self, key: bytes) -> None:
        """Remove a catalog record."""
        self._batch.delete_record(key)

    def add_events(self, events: StampedEvents) -> None:
        self._batch.put_events(events.event_keys, events.source_keys, events.stored)
        self._events.append(events.event_keys, events.stored)
        self.state.counters.events += len(events.stored)
        self.state.clock.last_ns = time_of(events.event_keys[-1])

    def remove_events(self, removed: RemovedEvents) -> None:
        """Delete events with their index rows, and keep their ids."""
        self._batch.delete_events(removed.event_keys, removed.source_keys)
        self._batch.put_records(removed.id_rows)
        add_counts(self.rollups, removed.rollups)
        self.state.counters.deleted += len(removed.event_keys)
        self._has_removed = True

    def add(self, more: Additions) -> None:
        if more.keys:
            self.keys.update(more.keys)
        if more.series:
            self._add_series(more.series)
        if more.rows:
            self._batch.put_records(more.rows)
        if more.selections:
            self.selections.update(more.selections)
        if more.rollups:
            add_counts(self.rollups, more.rollups)
        if more.increments is not NO_INCREMENTS:
            self._count(more.increments)
        if more.links:
            self.state.counters.links.update(more.links)
        if more.positions:
            self._advance(more.positions)

    def _add_series(self, new: Sequence[NewSeries]) -> None:
        for number, names in new:
            self.put_record(catalog.series_record_key(number), catalog.encode_series(names))
            self.state.series.add(number, names)
        self._series += new

    def _advance(self, positions: Mapping[str, dict[str, int]]) -> None:
        for link, streams in positions.items():
            self.put_record(catalog.position_key(link), catalog.encode_positions(streams))
        self.state.positions.update(positions)

    def _count(self, more: Increments) -> None:
        counters = self.state.counters
        counters.duplicates += more.duplicates
        counters.rejects += more.rejects
        counters.request_clashes += more.request_clashes
        counters.unknown_commands += more.unknown_commands

    def fitting_end(self, stored: Sequence[bytes], start: int) -> int:
        """The end of the envelopes from index `start` on that this commit has room for: at least
        one, and the one that fills it.
        """
        end = min(len(stored), start + self._limits.commit_max_events - len(self._events))
        room = self._limits.commit_max_bytes - self._batch.size_bytes()
        if native := native_part():
            return native.fitting_end(stored, start, end, room)
        sizes = list(map(len, stored[start:end]))
        if sum(sizes) < room:
            return end
        return start + bisect_left(list(accumulate(sizes)), room) + 1

    def is_full(self) -> bool:
        return (
            len(self._events) >= self._limits.commit_max_events
            or self._batch.size_bytes() >= self._limits.commit_max_bytes
        )

    def write(self, rollup_rows: Iterable[KeyValue]) -> CommitFrame:
        """Write it to the archive, with the rows of its rollups; durable after the next sync."""
        counters, last_ns = self.state.counters, self.state.clock.last_ns
        self.put_record(catalog.COUNTERS_KEY, catalog.encode_counters(counters))
        self.put_record(catalog.LAST_CANONICAL_KEY, catalog.encode_time(last_ns))
        self.put_record(catalog.SCHEMA_KEY, catalog.SCHEMA_VERSION)
        for row_key, row in rollup_rows:
            if row:
                self.put_record(row_key, row)
            else:
                self.delete_record(row_key)
        for key, driver in self.selections.items():
            self.put_record(key, driver.encode())
        self._archive.write(self._batch)
        if self._has_removed:
            self._archive.deleted_ids.forget()
        return CommitFrame(last_ns, self._series, self._events)


def _key_set() -> KeySet:
    native = native_part()
    return set[bytes]() if native is None else native.KeySet()
