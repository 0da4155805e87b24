"""The latest event of each series at or before a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.ordering import Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.event_key import EventKey, event_keys
from nova.core.query.lookup import require_envelope
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.range_cursor import Hit
from nova.core.query.steady_read import read_steadily
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import event_id_of, series_bytes, series_key_time, timeline_key
from nova.sdk import timestamps
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.field_types import JsonObject
from nova.sdk.protocol.messages import SERIES_LIMIT_MAX, Latest, events_frame

SERIES_PER_SLICE = 16
"""Series that are looked up together, before the event loop serves sockets: a millisecond, and the
memory of as many events.
"""


class LatestPage(NamedTuple):
    """A page of events, and the key to continue at (None: last page): a place among the wanted
    series, whose order never changes. It reveals nothing about other series.
    """

    events: list[Hit]
    next_key: str | None


class LatestReply(NamedTuple):
    """A page of events, and the key to continue at, as of `LatestPage`. `is_behind`: of some field
    there may be a later event, which was not read.
    """

    events: list[Hit]
    next_key: str | None
    is_behind: bool


async def latest(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    timebase: Timebase,
    time_ns: int,
    *,
    limit: int = SERIES_LIMIT_MAX,
    after_key: str | None = None,
    max_bytes: int = PAGE_MAX_BYTES,
) -> LatestPage:
    """The latest wanted event of every wanted series at or before a time. Pages run over series in
    the order in which they were first recorded; the events of a page are in timebase order. A page
    during which retention begins a day is read anew, so that none mixes before and after.
    """
    start = 0 if after_key is None else parse_key(after_key)

    async def read(yields: bool) -> LatestPage:
        find = partial(latest_events, snapshot, event_filter, timebase=timebase, time_ns=time_ns)
        return await _page(event_filter.numbers(), find, start, limit, max_bytes, yields=yields)

    return await read_steadily(snapshot, read)


async def _page(
    wanted: Sequence[int],
    find: Callable[[Sequence[int]], list[Hit | None]],
    start: int,
    limit: int,
    max_bytes: int,
    *,
    yields: bool,
) -> LatestPage:
    found: list[Hit] = []
    size = 0
    while start < len(wanted):
        group = wanted[start : start + min(SERIES_PER_SLICE, limit - len(found) or 1)]
        events = find(group)
        for place, event in enumerate(events, start):
            if len(found) == limit or size >= max_bytes:
                return LatestPage(sorted(found), str(place))
            if event is not None:
                found.append(event)
                size += len(event[1])
        start += len(group)
        if yields:
            await asyncio.sleep(0)
    return LatestPage(sorted(found), None)


def encode_latest(request: Latest, time_ns: int, page: LatestReply) -> bytes:
    """The reply with a page; events that the client knows are counted instead."""
    head: JsonObject = {"time": timestamps.text(time_ns)}
    if page.next_key is not None:
        head["nextKey"] = page.next_key
    known = frozenset(map(bytes.fromhex, request.known))
    if page.is_behind:
        head["behind"] = True
    events = [stored for _, stored in page.events if not known or event_id_of(stored) not in known]
    if unchanged := len(page.events) - len(events):
        head["unchanged"] = unchanged
    return events_frame("latestResponse", request.ref, events, head)


def hit_of(event_key: EventKey, lane: int, stored: bytes) -> Hit:
    """An event of a series by its place in the timeline."""
    return timeline_key(event_key.index_key, lane), stored


def parse_key(key: str) -> int:
    """The place that an `afterKey` names; raises RequestError."""
    if not (key.isascii() and key.isdecimal()):
        raise RequestError(
            "badKey", "afterKey is not the nextKey of a latestResponse: pass it unchanged"
        )
    return int(key)


def latest_events(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    numbers: Sequence[int],
    timebase: Timebase,
    time_ns: int,
) -> list[Hit | None]:
    """The latest wanted event of each series at or before a time: a seek for each, and one look-up
    for all.
    """
    rows = snapshot.archive.series.seeker(timebase)
    until_ns = min(time_ns, snapshot.watermark) if timebase == "canonical" else time_ns
    last = [
        rows.last(number, until_ns) if is_kept(snapshot, number, time_ns) else None
        for number in numbers
    ]
    keys = [
        b"" if row is None else _event_key(row, number, timebase)
        for row, number in zip(last, numbers, strict=True)
    ]
    stored = iter(snapshot.archive.events.envelopes(list(filter(None, keys))))
    found: list[Hit | None] = []
    for number, row, key in zip(numbers, last, keys, strict=True):
        if row is None:
            found.append(None)
            continue
        envelope = require_envelope(key, next(stored))
        if time_of(key) <= snapshot.watermark and event_filter.accepts(envelope):
            lane = LANE_PRIORITY[snapshot.series.names[number].lane]
            found.append((timeline_key(row[0], lane), envelope))
        else:
            before = _latest_before(
                snapshot, event_filter, number, timebase, series_key_time(row[0])
            )
            found.append(before)
    return found


def is_kept(snapshot: ArchiveSnapshot, number: int, time_ns: int) -> bool:
    """Whether the latest event until a time cannot have been deleted."""
    return time_ns >= snapshot.archive.given_back.kept_from(snapshot.series.names[number])


def _event_key(row: KeyValue, number: int, timebase: Timebase) -> bytes:
    series = series_bytes(number)
    return (row[0].removeprefix(series) if timebase == "canonical" else row[1]) + series


def latest_event(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    number: int,
    timebase: Timebase,
    time_ns: int,
) -> Hit | None:
    """The latest wanted event of one series at or before a time."""
    return latest_events(snapshot, event_filter, [number], timebase, time_ns)[0]


def _latest_before(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    number: int,
    timebase: Timebase,
    time_ns: int,
) -> Hit | None:
    """The latest durable and wanted event of a series; reads its events backwards."""
    lane, events = LANE_PRIORITY[snapshot.series.names[number].lane], snapshot.archive.events
    for event_key in event_keys(snapshot, number, timebase, time_ns, reverse=True):
        key = event_key.canonical_key
        stored = require_envelope(key, events.envelope(key))
        if event_filter.accepts(stored):
            return hit_of(event_key, lane, stored)
    return None
