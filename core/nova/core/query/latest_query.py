"""Latest queries: the last event of each series at or before a time, or the last that has a field,
for each of some fields.

Mostly the newest event has them all. The others are looked for in a few events before it, then in
the columns of the samples; the answer is that of a search through all events, newest first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from nova.core.effect.moment import Moment
from nova.core.errors import DerivedDamagedError
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.column_latest import ColumnBounds, ColumnLatest, LatestValue, later_of
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.event_filter import EventFilter
from nova.core.query.event_key import EventKey, event_keys
from nova.core.query.field_columns import FieldValues, field_columns
from nova.core.query.latest import LatestReply, hit_of, is_kept, latest, parse_key
from nova.core.query.lookup import look_up, require_envelope
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.range_cursor import Hit
from nova.core.query.series_tail import SeriesTail, TailReader
from nova.core.query.steady_read import read_steadily
from nova.core.query.stored_field import PART_MAX_BYTES, current_samples
from nova.core.store.column import Column
from nova.core.store.sample_store import FIELDS_MAX, FieldColumn, SampledSeries, SampleStore
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.protocol.messages import SERIES_LIMIT_MAX
from nova.sdk.timestamps import NS_MAX

SAMPLED_LANES = ("ui", "parsed")


class LatestLimits(NamedTuple):
    """How many events are read at once, from the newest on; how many before columns are asked; and
    how many for fields without a column.
    """

    near_max_events: int = 32
    part_max_events: int = 256
    searched_max_events: int = 1_500


LATEST_LIMITS = LatestLimits()


class LatestQueries:
    """Answers Latest requests, with the samples and the tails of Columns requests."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        derived: DerivedReader[SampleStore],
        tails: TailReader,
        limits: LatestLimits = LATEST_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._derived = derived
        self._tails = tails
        self._limits = limits

    async def page(
        self,
        event_filter: EventFilter,
        fields: Sequence[str] | None,
        at: Moment,
        *,
        limit: int = SERIES_LIMIT_MAX,
        after_key: str | None = None,
        max_bytes: int = PAGE_MAX_BYTES,
    ) -> LatestReply:
        """Without fields those of `latest`. With fields, for every wanted series and each of them,
        the latest event at or before a time that has the field, each event once; `limit` series.
        """
        if fields is None:
            events, next_key = await latest(
                *(self._snapshot, event_filter, at.timebase, at.time_ns),
                limit=limit,
                after_key=after_key,
                max_bytes=max_bytes,
            )
            return LatestReply(events, next_key, is_behind=False)
        start = 0 if after_key is None else parse_key(after_key)

        async def read(yields: bool) -> LatestReply:
            wanted = event_filter.numbers()
            found: list[Hit] = []
            is_behind = False
            for place in range(start, len(wanted)):
                if place - start == limit or sum(len(one[1]) for one in found) >= max_bytes:
                    return LatestReply(sorted(found), str(place), is_behind)
                hits, lacks_some = await self._of_series(wanted[place], fields, at, yields=yields)
                found += hits
                is_behind = is_behind or lacks_some
                if yields:
                    await asyncio.sleep(0)
            return LatestReply(sorted(found), None, is_behind)

        return await read_steadily(self._snapshot, read)

    async def _of_series(
        self, number: int, fields: Sequence[str], at: Moment, *, yields: bool
    ) -> tuple[list[Hit], bool]:
        """The events of one series, and whether some may be missing."""
        if not is_kept(self._snapshot, number, at.time_ns):
            return [], False
        search = _SeriesSearch(self._snapshot, number, fields, at)
        search.walk(1, 1)
        search.walk(self._limits.near_max_events, self._limits.part_max_events)
        if search.missing:
            await self._derived.reply(lambda: self._search_columns(search, yields=yields))
        while search.missing and search.walked < self._limits.searched_max_events:
            search.walk(self._limits.part_max_events, self._limits.part_max_events)
            if yields:
                await asyncio.sleep(0)
        return list(search.hits.values()), search.is_behind or bool(search.missing)

    async def _search_columns(self, search: _SeriesSearch, *, yields: bool) -> None:
        store = current_samples(self._derived, self._snapshot)
        if store is None or self._snapshot.series.names[search.number].lane not in SAMPLED_LANES:
            return
        number, at = search.number, search.at
        record = store.series(number) or SampledSeries()
        last_ns = at.time_ns if at.timebase == "canonical" else NS_MAX
        tail = await self._tails.read(number, record.until_ns, last_ns)
        for path in sorted(search.missing):
            columns = _searched_columns(record, path)
            if columns is None:
                continue
            found = _latest_in_tail(tail, path, at)
            for column in columns:
                in_blocks = ColumnLatest(store.columns, number, record, column, search.bounds)
                for _ in in_blocks.steps():
                    if yields:
                        await asyncio.sleep(0)
                found = later_of(found, in_blocks.found)
            search.answer(path, found, may_be_later=tail.has_more)


class _SeriesSearch:
    """The search in one series: which fields are missing, and the events found so far, by key."""

    def __init__(
        self, snapshot: ArchiveSnapshot, number: int, fields: Sequence[str], at: Moment
    ) -> None:
        self._snapshot = snapshot
        self._keys = event_keys(snapshot, number, at.timebase, at.time_ns, reverse=True)
        self.walked = 0
        self._is_exhausted = False
        self._lane = LANE_PRIORITY[snapshot.series.names[number].lane]
        kept_ns = snapshot.archive.given_back.kept_from(snapshot.series.names[number])
        self.bounds = ColumnBounds(at.timebase, at.time_ns, kept_ns, snapshot.watermark)
        self.number = number
        self.at = at
        self.missing = set(fields)
        self.hits: dict[bytes, Hit] = {}
        self.is_behind = False

    def walk(self, events: int, part_events: int) -> None:
        """Look for what is missing in the next older events."""
        while self.missing and events > 0 and not self._is_exhausted:
            keys = list(islice(self._keys, min(events, part_events)))
            self._is_exhausted = len(keys) < min(events, part_events)
            self.walked += len(keys)
            events -= len(keys)
            self._look_into(keys)
        if self._is_exhausted:
            self.missing.clear()

    def _look_into(self, keys: list[EventKey]) -> None:
        while keys:
            wanted = [key.canonical_key for key in keys]
            stored = look_up(self._snapshot.archive, wanted, sorted(wanted), PART_MAX_BYTES)
            _, found = field_columns(stored)
            for path in sorted(self.missing):
                places = [
                    _first_row(found[field].column)
                    for field in _both_columns(path)
                    if field in found
                ]
                if places:
                    self._add(path, keys[min(places)], stored[min(places)])
            keys = keys[len(stored) :]

    def answer(self, path: str, found: LatestValue | None, *, may_be_later: bool) -> None:
        """The answer of columns and tail for a field: none has it if `found` is None."""
        self.is_behind = self.is_behind or may_be_later
        if found is None:
            self.missing.discard(path)
            return
        arrivals = set(found.arrivals)
        timebase, time_ns = self.at.timebase, found.time_ns
        for key in event_keys(
            self._snapshot, self.number, timebase, time_ns, reverse=True, from_ns=time_ns
        ):
            if time_of(key.canonical_key) in arrivals:
                stored = self._snapshot.archive.events.envelope(key.canonical_key)
                self._add(path, key, require_envelope(key.canonical_key, stored))
                return
        raise DerivedDamagedError(
            f"the samples have a value of {path!r} at {time_ns} ns, of which the archive has no "
            "event"
        )

    def _add(self, path: str, key: EventKey, stored: bytes) -> None:
        self.missing.discard(path)
        self.hits[key.canonical_key] = hit_of(key, self._lane, stored)


def _first_row(column: Column) -> int:
    return 0 if column.rows is None else int(column.rows[0])


def _both_columns(path: str) -> tuple[FieldColumn, FieldColumn]:
    return FieldColumn(path, is_text=False), FieldColumn(path, is_text=True)


def _searched_columns(record: SampledSeries, path: str) -> list[int] | None:
    """The columns of a field; None if it has, or may have, values that no column has."""
    found = []
    for field in _both_columns(path):
        number = record.number_of(path, is_text=field.is_text)
        if number is None:
            if sum(one.is_text == field.is_text for one in record.columns) >= FIELDS_MAX:
                return None
        elif field.is_text and record.texts.get(number) is None:
            return None
        else:
            found.append(number)
    return found


def _latest_in_tail(tail: SeriesTail, path: str, at: Moment) -> LatestValue | None:
    found: LatestValue | None = None
    for values in _tail_values(tail, path):
        arrivals = values.column.at(tail.arrivals)
        times = values.column.at(tail.source) if at.timebase == "source" else arrivals
        is_wanted = times <= at.time_ns
        if is_wanted.any():
            newest = int(times[is_wanted].max())
            found = later_of(found, LatestValue(newest, arrivals[times == newest].tolist()))
    return found


def _tail_values(tail: SeriesTail, path: str) -> Iterator[FieldValues]:
    for field in _both_columns(path):
        if field in tail.fields:
            yield tail.fields[field]
