"""Event counts of a span by time bucket and lane, computed from rollups alone, however many events
the span has.

The writer counts at commit. A secondary can see a commit shortly before it is announced as durable,
so the newest bucket may count events that cannot be read yet.
"""

from __future__ import annotations

import asyncio

from nova.core.errors import RequestError
from nova.core.ordering import Timebase, time_of, unsigned_time
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.deletion_guard import DeletionGuard
from nova.core.query.event_filter import EventFilter
from nova.core.query.page import parse_time_or
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.rollup import (
    FINEST_LEVEL,
    ROW_STEP,
    SLOTS,
    Buckets,
    bucket_of,
    bucket_time,
    decode_row,
    lane_counts,
    level_for,
    row_head,
    rows_between,
    slots_of,
    stored_level,
    sum_slots,
    whole_counts,
)
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.protocol.messages import Filters
from nova.sdk.protocol.timeline import LaneCounts, Summary, SummaryResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN

READ_MAX_ROWS = 2_000
"""Rows read before the event loop serves sockets; a few milliseconds."""


def choose_buckets(start_time: str, stop_time: str, buckets: int, finest: int) -> Buckets:
    """The buckets that cover a span, both ends included, at level `finest` or coarser; raises
    RequestError.
    """
    start = parse_time_or("startTime", start_time, NS_MIN)
    stop = parse_time_or("stopTime", stop_time, NS_MAX)
    if start > stop:
        raise RequestError("badRange", "startTime is after stopTime")
    return level_for(unsigned_time(start), unsigned_time(stop), buckets, finest)


def first_time(chosen: Buckets) -> str:
    """The start of the first bucket as a timestamp."""
    return timestamps.text(time_of(bucket_time(chosen.first, chosen.level)))


def bucket_span(chosen: Buckets) -> tuple[int, int]:
    """The first and the last ns of buckets."""
    first_ns = time_of(bucket_time(chosen.first, chosen.level))
    return first_ns, min(first_ns + (chosen.total << chosen.level) - 1, NS_MAX)


async def summarize(
    snapshot: ArchiveSnapshot,
    request: Summary,
    timebase: Timebase,
    visibility: Visibility = EVERYTHING,
    read_max_rows: int = READ_MAX_ROWS,
) -> SummaryResponse:
    """The counts of a span, in all scopes or in the requested ones. Raises RequestError if
    retention is deleting events of the span: the counts would be those of a part.
    """
    chosen = choose_buckets(request.start_time, request.stop_time, request.buckets, FINEST_LEVEL)
    snapshot.refresh()
    wanted = EventFilter(Filters(scope_ids=request.scope_ids), snapshot.series, visibility)
    guard = DeletionGuard(snapshot.archive.given_back, wanted, timebase, bucket_span(chosen))
    guard.check()
    scopes = visible_scopes(snapshot, visibility)
    if request.scope_ids is not None:
        scopes = scopes & set(request.scope_ids)
    slots: dict[int, int] = {}
    for scope in sorted(scopes):
        head = row_head(timebase, stored_level(chosen.level), scope)
        await _add_scope(snapshot, head, chosen, slots, read_max_rows)
    guard.check()
    lanes: dict[str, list[int]] = {lane: [0] * chosen.total for lane in LANES}
    for index in range(chosen.total):
        if slot := slots.get(chosen.first + index):
            for lane, count in zip(LANES, lane_counts(slot), strict=True):
                if visibility.lanes is None or lane in visibility.lanes:
                    lanes[lane][index] = count
    return SummaryResponse(
        start_time=first_time(chosen),
        bucket_ns=1 << chosen.level,
        timebase=timebase,
        lanes=LaneCounts(**lanes),
    )


def visible_scopes(snapshot: ArchiveSnapshot, visibility: Visibility) -> set[str]:
    """The scopes of the archive that may be seen."""
    scopes = set(snapshot.series.scopes)
    return scopes if visibility.scopes is None else scopes & visibility.scopes


def visible_events(snapshot: ArchiveSnapshot, visibility: Visibility) -> int:
    """The number of events that may be seen, from the coarsest rollups where some are hidden."""
    if visibility == EVERYTHING:
        return snapshot.archive.record.counters().held
    total = 0
    for scope in visible_scopes(snapshot, visibility):
        for lane, count in zip(LANES, whole_counts(snapshot.archive, scope), strict=True):
            if visibility.lanes is None or lane in visibility.lanes:
                total += count
    return total


async def _add_scope(
    snapshot: ArchiveSnapshot,
    head: bytes,
    chosen: Buckets,
    slots: dict[int, int],
    read_max_rows: int,
) -> None:
    """Add a scope's rollup rows to the buckets that contain them."""
    level = stored_level(chosen.level)
    steps = chosen.level - level
    number = (chosen.first << steps) >> ROW_STEP
    stop = (((chosen.first + chosen.total) << steps) - 1 >> ROW_STEP) + 1
    while number < stop:
        found = rows_between(snapshot.archive, head, level, number, stop, read_max_rows)
        for key, value in found:
            number, row = bucket_of(key, level + ROW_STEP), decode_row(value)
            if steps >= ROW_STEP:
                _add(slots, number >> steps - ROW_STEP, sum_slots(row))
            else:
                for slot, part in slots_of(row):
                    _add(slots, (number * SLOTS + slot) >> steps, part)
        if len(found) < read_max_rows:
            return
        number += 1
        await asyncio.sleep(0)


def _add(slots: dict[int, int], bucket: int, part: int) -> None:
    slots[bucket] = slots.get(bucket, 0) + part
