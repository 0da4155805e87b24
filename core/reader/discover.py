"""What there is at a time: entities with their series, and the last event of each series
(A-133).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

from core.ordering import SERIES_BYTES, TIME_BYTES, Timebase, time_key, time_of
from core.reader.lookup import stored_at
from core.reader.reading import Found
from core.reader.selection import Selection
from core.reader.view import View
from core.store.keys import (
    LAST_EVENT_ID,
    series_bytes,
    series_key,
    series_key_order,
    series_key_time,
)
from core.store.scan import scan
from sdk import timestamps
from sdk.address import LANE_PRIORITY
from sdk.envelope import Lane
from sdk.event import Series
from sdk.protocol import EntityInfo, SeriesInfo
from sdk.timestamps import NS_MIN


class Place(NamedTuple):
    """Where a series' event lies: its key in the series index and its place in `canonical`."""

    key: bytes
    place: bytes


def places_of(
    view: View, number: int, timebase: Timebase, time_ns: int, *, reverse: bool
) -> Iterator[Place]:
    """The durable events of a series up to a time, from the first on or (reverse) from the last."""
    canonical = timebase == "canonical"
    if canonical:
        time_ns = min(time_ns, view.mark)
    family = view.archive.families["series_canonical" if canonical else "series_source"]
    prefix = series_bytes(number)
    lower = series_key(prefix, time_key(NS_MIN))
    upper = series_key(prefix, time_key(time_ns), LAST_EVENT_ID)
    for key, value in scan(family, lower, upper, reverse=reverse):
        time = key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES] if canonical else value
        if time_of(time) <= view.mark:
            yield Place(key, time + prefix)


def discover(
    view: View, selection: Selection, timebase: Timebase, time_ns: int
) -> list[EntityInfo]:
    """The entities that had an event at or before a time, in the order of their ids."""
    view.refresh()
    entities: dict[tuple[str, str, str, str], list[SeriesInfo]] = {}
    for number in selection.numbers():
        info = _series_info(view, number, timebase, time_ns)
        if info is not None:
            names = view.series.names[number]
            entities.setdefault(_entity(names), []).append(info)
    return [
        EntityInfo(
            scope_id=scope,
            system_id=system,
            container_id=container,
            unique_id=unique,
            series=series,
        )
        for (scope, system, container, unique), series in sorted(entities.items())
    ]


def _entity(series: Series) -> tuple[str, str, str, str]:
    return (series.scope_id, series.system_id, series.container_id, series.unique_id)


def _series_info(view: View, number: int, timebase: Timebase, time_ns: int) -> SeriesInfo | None:
    newest = next(places_of(view, number, timebase, time_ns, reverse=True), None)
    oldest = next(places_of(view, number, timebase, time_ns, reverse=False), None)
    if newest is None or oldest is None:
        return None
    names = view.series.names[number]
    return SeriesInfo(
        lane=cast(Lane, names.lane),
        message_type=names.message_type,
        view_id=names.view_id,
        first_time=timestamps.text(series_key_time(oldest.key)),
        last_time=timestamps.text(series_key_time(newest.key)),
    )


def latest(view: View, selection: Selection, timebase: Timebase, time_ns: int) -> list[Found]:
    """The last event of every wanted series at or before a time, in the order of the timebase."""
    view.refresh()
    candidates = (
        _latest_of(view, selection, number, timebase, time_ns) for number in selection.numbers()
    )
    return sorted(found for found in candidates if found is not None)


def _latest_of(
    view: View, selection: Selection, number: int, timebase: Timebase, time_ns: int
) -> Found | None:
    lane = LANE_PRIORITY[view.series.names[number].lane]
    for place in places_of(view, number, timebase, time_ns, reverse=True):
        stored = stored_at(place.place, view.archive.get("canonical", place.place))
        if selection.accepts(stored):
            return series_key_order(place.key, lane), stored
    return None
