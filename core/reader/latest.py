"""The latest event of each series at or before a time."""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from typing import NamedTuple

from core.errors import QueryError
from core.ordering import Timebase
from core.reader.lookup import stored_at
from core.reader.places import places_of
from core.reader.query import PAGE_MAX_BYTES
from core.reader.reading import Found
from core.reader.selection import Selection
from core.reader.turn import Turn
from core.reader.view import View
from core.store.keys import series_key_order
from sdk.address import LANE_PRIORITY
from sdk.protocol import SERIES_LIMIT_MAX

LOOKED_UP_TOGETHER = 50
"""Series looked up before the event loop serves sockets; a few milliseconds."""


class Newest(NamedTuple):
    """A page of events, and the key to continue after (None: last page)."""

    events: list[Found]
    next_key: str | None


async def latest(
    view: View,
    selection: Selection,
    timebase: Timebase,
    time_ns: int,
    *,
    limit: int = SERIES_LIMIT_MAX,
    after_key: str | None = None,
    max_bytes: int = PAGE_MAX_BYTES,
) -> Newest:
    """The latest wanted event of every wanted series at or before a time. Pages run over series in
    the order in which they were first recorded; the events of a page are in timebase order.
    """
    view.refresh()
    wanted = selection.numbers()
    start = 0 if after_key is None else bisect_right(wanted, _number_of(after_key))
    found: list[Found] = []
    size = 0
    turn = Turn(LOOKED_UP_TOGETHER)
    for number in islice(wanted, start, None):
        if len(found) == limit or size >= max_bytes:
            return Newest(sorted(found), str(number - 1))
        event = latest_of(view, selection, number, timebase, time_ns)
        if event is not None:
            found.append(event)
            size += len(event[1])
        await turn.over()
    return Newest(sorted(found), None)


def _number_of(key: str) -> int:
    if not (key.isascii() and key.isdecimal()):
        raise QueryError(
            "badKey", "afterKey is not the nextKey of a latestResponse: pass it unchanged"
        )
    return int(key)


def latest_of(
    view: View, selection: Selection, number: int, timebase: Timebase, time_ns: int
) -> Found | None:
    """The latest wanted event of one series at or before a time."""
    lane = LANE_PRIORITY[view.series.names[number].lane]
    for event_key in places_of(view, number, timebase, time_ns, reverse=True):
        stored = stored_at(event_key.place, view.archive.get("canonical", event_key.place))
        if selection.accepts(stored):
            return series_key_order(event_key.key, lane), stored
    return None
