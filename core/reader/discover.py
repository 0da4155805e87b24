"""What there is at a time: entities with their series, and the last event of each series
(A-133).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import islice
from typing import NamedTuple, cast

import msgspec

from core.errors import QueryError
from core.ordering import SERIES_BYTES, TIME_BYTES, Timebase, time_key, time_of
from core.reader.lookup import stored_at
from core.reader.query import PAGE_MAX_BYTES
from core.reader.reading import Found
from core.reader.selection import Selection
from core.reader.view import View
from core.store.keys import (
    ID_HEAD_BYTES,
    LAST_EVENT_ID,
    series_bytes,
    series_key,
    series_key_order,
    series_key_time,
)
from core.store.scan import Seeker, scan
from core.store.series import EntityIds
from sdk import protocol, timestamps
from sdk.address import LANE_PRIORITY
from sdk.envelope import Lane
from sdk.manifest import CardManifest
from sdk.protocol import (
    SERIES_LIMIT_MAX,
    DescriptorInfo,
    DiscoverResponse,
    EntityInfo,
    Ref,
    SeriesInfo,
)
from sdk.timestamps import NS_MIN

ENCODED_TOGETHER = 500
LOOKED_UP_TOGETHER = 50
"""So many series at once, a few milliseconds; then sockets are served."""

ID_SEPARATOR = "|"
"""Stands in no id."""

DESCRIPTOR = "ProducerDescriptor"
MANIFEST = "ManifestPublished"
OF_NOVA = (MANIFEST, "DriverBinding")
"""What NOVA says of cards and files: no sign of a unit of anybody's."""

encode_entity = msgspec.json.Encoder().encode


class Place(NamedTuple):
    """Where a series' event lies: its key in the series index and its place in `canonical`."""

    key: bytes
    place: bytes

    @property
    def time_ns(self) -> int:
        """Its time in the timebase of the index."""
        return series_key_time(self.key)


def places_of(
    view: View,
    number: int,
    timebase: Timebase,
    time_ns: int,
    *,
    reverse: bool,
    from_ns: int = NS_MIN,
) -> Iterator[Place]:
    """The durable events of a series up to a time, from the first on or (reverse) from the last;
    the first is not before `from_ns`.
    """
    canonical = timebase == "canonical"
    if canonical:
        time_ns = min(time_ns, view.mark)
    family = view.archive.families["series_canonical" if canonical else "series_source"]
    prefix = series_bytes(number)
    lower = series_key(prefix, time_key(from_ns))
    upper = series_key(prefix, time_key(time_ns), LAST_EVENT_ID)
    for key, value in scan(family, lower, upper, reverse=reverse):
        time = key[SERIES_BYTES : SERIES_BYTES + TIME_BYTES] if canonical else value
        if time_of(time) <= view.mark:
            yield Place(key, time + prefix)


class Entities(NamedTuple):
    """A page of entities, and the key to go on behind, None on the last page."""

    entities: list[EntityInfo]
    next_key: str | None


Describe = Callable[[int, Timebase, int], DescriptorInfo | None]
"""Takes a series of descriptors and a time; returns the one in effect."""


async def discover(
    view: View,
    selection: Selection,
    timebase: Timebase,
    time_ns: int,
    *,
    limit: int = SERIES_LIMIT_MAX,
    after_key: str | None = None,
    describe: Describe = lambda *_: None,
) -> Entities:
    """The entities that had an event at or before a time, in the order of their ids; the key of a
    page is its last entity's ids.
    """
    view.refresh()
    table, everything = view.series, selection.everything
    known = table.entities()
    start = 0 if after_key is None else bisect_right(known, _ids_of(after_key))
    found: list[EntityInfo] = []
    ends = _Ends(view, timebase, time_ns)
    turn = _Turn(LOOKED_UP_TOGETHER)
    for ids in known[start:]:
        if len(found) == limit:
            last = found[-1]
            shown = (last.scope_id, last.system_id, last.container_id, last.unique_id)
            return Entities(found, ID_SEPARATOR.join(shown))
        series: list[SeriesInfo] = []
        descriptor = None
        for number in table.of_entity(ids):
            names = table.names[number]
            if names.message_type == DESCRIPTOR and names.lane == "metadata":
                descriptor = describe(number, timebase, time_ns)
            if names.message_type in OF_NOVA and names.lane == "metadata":
                continue
            if everything or selection.wants(names):
                info = ends.info(number)
                if info is not None:
                    series.append(info)
        if series:
            found.append(_entity_info(ids, series, descriptor))
        await turn.over()
    return Entities(found, None)


async def frame_of(ref: Ref, time: str, page: Entities, manifests: list[CardManifest]) -> bytes:
    """The reply that tells a page, encoded some entities at once."""
    parts: list[bytes] = []
    turn = _Turn(ENCODED_TOGETHER)
    for entity in page.entities:
        parts.append(encode_entity(entity))
        await turn.over()
    reply = DiscoverResponse(
        ref=ref, time=time, entities=[], manifests=manifests, next_key=page.next_key
    )
    before, after = protocol.encode(reply).split(b'"entities":[]', 1)
    return b"".join((before, b'"entities":[', b",".join(parts), b"]", after))


class _Ends:
    """The first and the last durable event of series up to a time."""

    def __init__(self, view: View, timebase: Timebase, time_ns: int) -> None:
        self._view = view
        self._timebase: Timebase = timebase
        self._time_ns = min(time_ns, view.mark) if timebase == "canonical" else time_ns
        family = "series_canonical" if timebase == "canonical" else "series_source"
        self._rows = Seeker(view.archive.families[family])
        self._tail = time_key(self._time_ns) + LAST_EVENT_ID[:ID_HEAD_BYTES]
        self._mark = time_key(view.mark)

    def info(self, number: int) -> SeriesInfo | None:
        """What is known of a series, None if it had no event yet."""
        prefix = series_bytes(number)
        upper = prefix + self._tail
        newest = self._rows.last(prefix, upper)
        oldest = None if newest is None else self._rows.first(prefix, upper)
        if newest is None or oldest is None:
            return None
        # In source time a row's value is when it was received, as in keys: bytes compare as times.
        if self._timebase == "source" and max(newest[1], oldest[1]) > self._mark:
            return _series_info(self._view, number, self._timebase, self._time_ns)
        return _told_info(self._view, number, newest[0], oldest[0])


class _Turn:
    """Lets sockets be served after so many steps."""

    def __init__(self, together: int) -> None:
        self._together = together
        self._steps = 0

    async def over(self) -> None:
        """Note one step."""
        self._steps += 1
        if self._steps % self._together == 0:
            await asyncio.sleep(0)


def _ids_of(key: str) -> EntityIds:
    parts = key.split(ID_SEPARATOR)
    if len(parts) != 4:
        raise QueryError("badKey", "afterKey is not the nextKey of a page of entities")
    scope, system, container, unique = parts
    return scope, system, container, unique


def _entity_info(
    ids: EntityIds, series: list[SeriesInfo], descriptor: DescriptorInfo | None
) -> EntityInfo:
    scope, system, container, unique = ids
    return EntityInfo(
        scope_id=scope,
        system_id=system,
        container_id=container,
        unique_id=unique,
        series=series,
        descriptor=descriptor,
    )


def _series_info(view: View, number: int, timebase: Timebase, time_ns: int) -> SeriesInfo | None:
    newest = next(places_of(view, number, timebase, time_ns, reverse=True), None)
    oldest = next(places_of(view, number, timebase, time_ns, reverse=False), None)
    if newest is None or oldest is None:
        return None
    return _told_info(view, number, newest.key, oldest.key)


def _told_info(view: View, number: int, newest: bytes, oldest: bytes) -> SeriesInfo:
    names = view.series.names[number]
    return SeriesInfo(
        lane=cast(Lane, names.lane),
        message_type=names.message_type,
        view_id=names.view_id,
        first_time=timestamps.text(series_key_time(oldest)),
        last_time=timestamps.text(series_key_time(newest)),
    )


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
    turn = _Turn(LOOKED_UP_TOGETHER)
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
