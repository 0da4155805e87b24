"""The latest event of each series at or before a time."""

from __future__ import annotations

from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.query.event_key import event_keys
from nova.core.query.lookup import require_envelope
from nova.core.query.page import PAGE_MAX_BYTES
from nova.core.query.range_cursor import Hit
from nova.core.query.yield_every import YieldEvery
from nova.core.store.keys import timeline_key
from nova.sdk.address import LANE_PRIORITY
from nova.sdk.protocol.messages import SERIES_LIMIT_MAX

YIELD_EVERY_SERIES = 50
"""Series looked up before the event loop serves sockets; a few milliseconds."""


class LatestPage(NamedTuple):
    """A page of events, and the key to continue at (None: last page): a place among the wanted
    series, whose order never changes. It reveals nothing about other series.
    """

    events: list[Hit]
    next_key: str | None


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
    the order in which they were first recorded; the events of a page are in timebase order.
    """
    snapshot.refresh()
    wanted = event_filter.numbers()
    start = 0 if after_key is None else _parse_key(after_key)
    found: list[Hit] = []
    size = 0
    yields = YieldEvery(YIELD_EVERY_SERIES)
    for place, number in enumerate(wanted[start:], start):
        if len(found) == limit or size >= max_bytes:
            return LatestPage(sorted(found), str(place))
        event = latest_event(snapshot, event_filter, number, timebase, time_ns)
        if event is not None:
            found.append(event)
            size += len(event[1])
        await yields.step()
    return LatestPage(sorted(found), None)


def _parse_key(key: str) -> int:
    if not (key.isascii() and key.isdecimal()):
        raise RequestError(
            "badKey", "afterKey is not the nextKey of a latestResponse: pass it unchanged"
        )
    return int(key)


def latest_event(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    number: int,
    timebase: Timebase,
    time_ns: int,
) -> Hit | None:
    """The latest wanted event of one series at or before a time."""
    names = snapshot.series.names[number]
    if time_ns < snapshot.archive.given_back.kept_from(names):
        return None  # The latest event until then may be deleted.
    lane, events = LANE_PRIORITY[names.lane], snapshot.archive.events
    for event_key in event_keys(snapshot, number, timebase, time_ns, reverse=True):
        key = event_key.canonical_key
        stored = require_envelope(key, events.envelope(key))
        if event_filter.accepts(stored):
            return timeline_key(event_key.index_key, lane), stored
    return None
