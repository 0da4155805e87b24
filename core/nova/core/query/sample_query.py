"""Sample queries for plots: computed from the events if they are few, otherwise from the columns
of the samples plus the events behind their last block.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.ordering import Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.event_key import EventKey, event_keys, event_times
from nova.core.query.field_columns import field_columns
from nova.core.query.fields import visible_number
from nova.core.query.lookup import look_up
from nova.core.query.sample_blocks import SampleBlocks
from nova.core.query.sample_buckets import SampleBuckets
from nova.core.query.stored_field import current_samples, unknown_fields
from nova.core.query.summary import choose_buckets
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.column_cells import unsigned_times
from nova.core.store.rollup import Buckets, bucket_time
from nova.core.store.sample_store import FIELDS_MAX, FieldColumn, SampledSeries, SampleStore
from nova.sdk.protocol.timeline import Sample, SampleResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN

PART_MAX_BYTES = 4 * 1024 * 1024


class SampleLimits(NamedTuple):
    """How many events an answer reads itself, and what is read before sockets are served."""

    direct_max_events: int = 1_500
    """Up to this many events are read directly, in some 50 ms if each is in a block of its own."""

    tail_max_events: int = 1_500
    """Most unsampled tail events merged into an answer. Beyond that none are merged and the reply
    is flagged `behind`: merging a part would take time and still be incomplete.
    """

    part_max_events: int = 500
    part_max_blocks: int = 16
    fields_max: int = FIELDS_MAX
    """Numeric fields of a series that are stored."""


SAMPLE_LIMITS = SampleLimits()


class SampleQueries:
    """Answers Sample requests from the sampler's database; shared by all sessions of a reader."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        data: Path,
        scratch: Path,
        limits: SampleLimits = SAMPLE_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self._derived = DerivedReader(SampleStore, data, scratch)

    def close(self) -> None:
        self._derived.close()

    async def respond(
        self, request: Sample, timebase: Timebase, visibility: Visibility = EVERYTHING
    ) -> SampleResponse:
        """Aggregates per bucket of a series' fields; raises RequestError."""
        fields = list(dict.fromkeys(request.fields))
        chosen = choose_buckets(request.start_time, request.stop_time, request.buckets, 0)
        self._snapshot.refresh()
        buckets = SampleBuckets(fields, chosen)
        number = visible_number(self._snapshot, request, visibility)
        if number is None:
            reply = buckets.response(timebase, is_behind=False)
            reply.unknown_series = True
            return reply
        few = self._keys_if_few(number, timebase, chosen)
        if few is not None:
            await self._add_events(buckets, few, timebase)
            reply = buckets.response(timebase, is_behind=False)
        else:
            reply = await self._derived.reply(
                lambda: self._from_columns(number, SampleBuckets(fields, chosen), timebase)
            )
        empty = [one.field for one in reply.fields if not any(one.count)]
        if empty:
            reply.unknown_fields = await self._derived.reply(lambda: self._unknown(number, empty))
        return reply

    async def _unknown(self, number: int, fields: list[str]) -> list[str]:
        store = current_samples(self._derived, self._snapshot)
        record = (None if store is None else store.series(number)) or SampledSeries()
        most = self._limits.tail_max_events
        return unknown_fields(self._snapshot, record, number, fields, most)

    def _keys_if_few(
        self, number: int, timebase: Timebase, chosen: Buckets
    ) -> list[EventKey] | None:
        """The keys of a series' events in these buckets; None if they are too many."""
        low, high = _bounds(chosen)
        most = self._limits.direct_max_events
        rows = event_keys(self._snapshot, number, timebase, high, reverse=False, from_ns=low)
        found = list(islice(rows, most + 1))
        return found if len(found) <= most else None

    async def _add_events(
        self, buckets: SampleBuckets, event_keys: Sequence[EventKey], timebase: Timebase
    ) -> None:
        start = 0
        while start < len(event_keys):
            part = event_keys[start : start + self._limits.part_max_events]
            keys = [row.canonical_key for row in part]
            stored = look_up(self._snapshot.archive, keys, sorted(keys), PART_MAX_BYTES)
            times, found = field_columns(stored)
            if timebase == "canonical":
                times = event_times(keys[: len(stored)])
            for index, path in enumerate(buckets.fields):
                values = found.get(FieldColumn(path, is_text=False))
                if values is not None:
                    buckets.add_values(index, values.column, unsigned_times(times))
            start += len(stored)
            await asyncio.sleep(0)

    # --- from the columns of the samples ----------------------------------------------------------

    async def _from_columns(
        self, number: int, buckets: SampleBuckets, timebase: Timebase
    ) -> SampleResponse:
        store = current_samples(self._derived, self._snapshot)
        record = SampledSeries() if store is None else store.series(number) or SampledSeries()
        columns = _column_numbers(record, buckets.fields, self._limits.fields_max)
        if store is not None:
            reading = SampleBlocks(store.columns, number, record, buckets, timebase)
            for part in reading.parts(self._limits.part_max_blocks):
                reading.add(part, columns)
                await asyncio.sleep(0)
        tail = self._unsampled_keys(number, timebase, buckets.chosen, record.until_ns)
        if len(tail) > self._limits.tail_max_events:
            return buckets.response(timebase, is_behind=True)
        await self._add_events(buckets, tail, timebase)
        return buckets.response(timebase, is_behind=False)

    def _unsampled_keys(
        self, number: int, timebase: Timebase, chosen: Buckets, until_ns: int
    ) -> list[EventKey]:
        """The keys of a series' events after a time, one more than may be merged at most."""
        low, high = _bounds(chosen) if timebase == "canonical" else (NS_MIN, NS_MAX)
        low = max(low, until_ns + 1)
        rows = event_keys(self._snapshot, number, "canonical", high, reverse=False, from_ns=low)
        return list(islice(rows, self._limits.tail_max_events + 1))


def _column_numbers(
    record: SampledSeries, fields: Sequence[str], fields_max: int
) -> dict[int, int]:
    """The number of the column of each requested field by its index; a field without samples is
    omitted.
    """
    found = {index: record.number_of(path) for index, path in enumerate(fields)}
    stored = sum(not column.is_text for column in record.columns)
    for index, number in found.items():
        if number is None and stored >= fields_max:
            raise RequestError(
                "notSampled",
                f"fields: {fields[index]!r} is not sampled: only the first {fields_max} fields of "
                "a series are. Request a shorter span",
            )
    return {index: number for index, number in found.items() if number is not None}


def _bounds(chosen: Buckets) -> tuple[int, int]:
    """The first and the last time in these buckets, in ns."""
    low = time_of(bucket_time(chosen.first, chosen.level))
    return low, low + (chosen.total << chosen.level) - 1
