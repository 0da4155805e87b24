"""The last event of each series at a time (A-133)."""

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
"""So many series at once, a few milliseconds; then sockets are served."""


class Newest(NamedTuple):
    """A page of events, and the key to go on behind, None on the last page."""

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
) -> Newest:
    """The last event of every wanted series at or before a time. Pages go by the series in the
    order in which they were first seen; the events of a page are in the order of the timebase.
    """
    view.refresh()
    wanted = selection.numbers()
    start = 0 if after_key is None else bisect_right(wanted, _number_of(after_key))
    found: list[Found] = []
    size = 0
    turn = Turn(LOOKED_UP_TOGETHER)
    for number in islice(wanted, start, None):
        if len(found) == limit or size >= PAGE_MAX_BYTES:
            return Newest(sorted(found), str(number - 1))
        event = latest_of(view, selection, number, timebase, time_ns)
        if event is not None:
            found.append(event)
            size += len(event[1])
        await turn.over()
    return Newest(sorted(found), None)


def _number_of(key: str) -> int:
    if not (key.isascii() and key.isdecimal()):
        raise QueryError("badKey", "afterKey is not the nextKey of a page of latest events")
    return int(key)


def latest_of(
    view: View, selection: Selection, number: int, timebase: Timebase, time_ns: int
) -> Found | None:
    """The last wanted event of one series at or before a time."""
    lane = LANE_PRIORITY[view.series.names[number].lane]
    for place in places_of(view, number, timebase, time_ns, reverse=True):
        stored = stored_at(place.place, view.archive.get("canonical", place.place))
        if selection.accepts(stored):
            return series_key_order(place.key, lane), stored
    return None
