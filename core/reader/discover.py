"""What there is at a time: entities with their series (A-133).

What was told once is remembered as long as none of its series has a new event: of a series where it
begins and ends, of an entity what a screen is shown that asks for the present. So asking again
reads nothing, and asking for the past reads one row of each series that has gone on since.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple, cast

import msgspec
from msgspec.structs import replace

from core.effect.history import Entry
from core.effect.moment import Moment
from core.effect.published import DESCRIPTOR, MANIFEST, Published
from core.errors import QueryError
from core.ordering import TIMEBASES, Timebase, time_key
from core.reader.places import places_of
from core.reader.query import PAGE_MAX_BYTES
from core.reader.selection import Selection
from core.reader.turn import Turn
from core.reader.view import View
from core.store.keys import ID_HEAD_BYTES, LAST_EVENT_ID, series_bytes, series_key_time
from core.store.scan import Row, Seeker
from core.store.series import EntityIds
from sdk import protocol, timestamps
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
from sdk.timestamps import NS_MAX, NS_MIN

ENTITIES_TOGETHER = 50
"""So many entities are put together at once, a few milliseconds; then sockets are served."""

ID_SEPARATOR = "|"
"""Stands in no id."""

OF_NOVA = (MANIFEST, "DriverBinding")
"""What NOVA says of cards and files: no sign of a unit of anybody's."""

encode_entity = msgspec.json.Encoder().encode


class Page(NamedTuple):
    """Entities, each an EntityInfo as JSON, and the key to go on behind, None on the last page."""

    entities: list[bytes]
    next_key: str | None


class _Extent(NamedTuple):
    """When a series had its first event and its last one, and what is told of it since then."""

    first_ns: int
    last_ns: int
    info: SeriesInfo


class _Settled(NamedTuple):
    """What is told of an entity from a time on, nothing where there is nothing to tell."""

    since_ns: int
    encoded: bytes


_Described = tuple[Entry[DescriptorInfo] | None, int]
"""The descriptor in effect of a series, and from when on it is the last of them."""


class _Memory:
    """What is known in one timebase up to the mark, of series without news since."""

    def __init__(self) -> None:
        self.mark = NS_MIN
        self.extents: dict[int, _Extent | None] = {}
        self.entities: dict[EntityIds, _Settled] = {}
        self.descriptors: dict[int, _Described] = {}
        """The last of a series, and when it takes effect."""

    def catch_up(self, view: View) -> None:
        """Forget what has news."""
        changed = view.changed_since(self.mark)
        if changed is None:
            self.extents.clear()
            self.entities.clear()
            self.descriptors.clear()
        else:
            for number in changed:
                self.extents.pop(number, None)
                self.entities.pop(view.series.entity_of(number), None)
                self.descriptors.pop(number, None)
        self.mark = view.mark


class Discovery:
    """Shared by all sessions of a reader."""

    def __init__(self, view: View, published: Published) -> None:
        self._view = view
        self._published = published
        self._memories: dict[Timebase, _Memory] = {timebase: _Memory() for timebase in TIMEBASES}

    async def page(
        self,
        selection: Selection,
        at: Moment,
        *,
        limit: int = SERIES_LIMIT_MAX,
        after_key: str | None = None,
        max_bytes: int = PAGE_MAX_BYTES,
    ) -> Page:
        """The entities that had an event at or before a time, or have a descriptor in effect then,
        in the order of their ids; the key of a page is its last entity's ids. Raises QueryError for
        a key that is none.
        """
        self._view.refresh()
        memory = self._memories[at.timebase]
        memory.catch_up(self._view)
        listing = _Listing(self._view, self._published, selection, at, memory)
        settled = memory.entities if selection.everything else {}
        known = self._view.series.entities()
        start = 0 if after_key is None else bisect_right(known, _ids_of(after_key))
        found: list[bytes] = []
        last: EntityIds | None = None
        size = 0
        turn = Turn(ENTITIES_TOGETHER)
        for ids in known[start:]:
            if last is not None and (len(found) == limit or size >= max_bytes):
                return Page(found, ID_SEPARATOR.join(last))
            entity = settled.get(ids)
            if entity is None or at.time_ns < entity.since_ns:
                entity = listing.entity(ids)
                await turn.over()
            if entity.encoded:
                found.append(entity.encoded)
                size += len(entity.encoded)
                last = ids
        return Page(found, None)


class _Listing:
    """What there is at one moment; what is durable later than its begin is left out."""

    def __init__(
        self,
        view: View,
        published: Published,
        selection: Selection,
        at: Moment,
        memory: _Memory,
    ) -> None:
        self._view = view
        self._published = published
        self._selection = selection
        self._everything = selection.everything
        self._at = at
        self._timebase: Timebase = at.timebase
        self._mark = view.mark
        self._time_ns = at.time_ns
        self._memory = memory
        family = "series_canonical" if at.timebase == "canonical" else "series_source"
        self._rows = Seeker(view.archive.families[family])
        self._tail = _tail(at.time_ns)
        self._last_tail = _tail(self._mark if at.timebase == "canonical" else NS_MAX)
        # In source time a row's value is when it was received, as in keys: bytes compare as times.
        self._durable = time_key(self._mark) if at.timebase == "source" else None

    def entity(self, ids: EntityIds) -> _Settled:
        """What is told of an entity at the time."""
        series: list[SeriesInfo] = []
        described: Entry[DescriptorInfo] | None = None
        since_ns = NS_MIN
        for number in self._view.series.of_entity(ids):
            names = self._view.series.names[number]
            is_descriptor = names.lane == "metadata" and names.message_type == DESCRIPTOR
            if is_descriptor:
                described, effective_ns = self._descriptor(number)
                since_ns = max(since_ns, effective_ns)
            if names.lane == "metadata" and names.message_type in OF_NOVA:
                continue
            if self._everything or self._selection.wants(names):
                extent = self._extent(number)
                info = None if extent is None else self._info(number, extent)
                if extent is not None:
                    since_ns = max(since_ns, extent.last_ns)
                if info is None and is_descriptor and described is not None:
                    # It counts before its own time, which is that of a clock that is ahead.
                    info = self._told(number, described.told.source_ns, described.told.source_ns)
                if info is not None:
                    series.append(info)
        descriptor = None if described is None else described.value
        told = encode_entity(_entity_info(ids, series, descriptor)) if series else b""
        settled = _Settled(since_ns, told)
        if self._everything and self._time_ns >= since_ns and self._is_current():
            self._memory.entities[ids] = settled
        return settled

    def _is_current(self) -> bool:
        """Whether what this moment finds is not older than what the memory has forgotten."""
        return self._memory.mark == self._mark

    def _descriptor(self, number: int) -> _Described:
        """The one in effect, and when the last of the series takes effect."""
        known = self._memory.descriptors.get(number)
        if known is not None and self._time_ns >= known[1]:
            return known
        told = self._published.descriptor(number, self._at)
        if self._time_ns >= told[1] and self._is_current():
            self._memory.descriptors[number] = told
        return told

    def _extent(self, number: int) -> _Extent | None:
        """From when to when there are events of a series, None where there are none yet."""
        known = self._memory.extents
        if number in known:
            return known[number]
        ends = self._ends(number)
        extent = None
        if ends is not None:
            first_ns, last_ns = ends
            extent = _Extent(first_ns, last_ns, self._told(number, first_ns, last_ns))
        if self._is_current():
            known[number] = extent
        return extent

    def _info(self, number: int, extent: _Extent) -> SeriesInfo | None:
        """What is told of a series at the time, None if it had no event yet."""
        if self._time_ns >= extent.last_ns:
            return extent.info
        if self._time_ns < extent.first_ns:
            return None
        prefix = series_bytes(number)
        row = self._rows.last(prefix, prefix + self._tail)
        if row is None or not self._is_durable(row):
            return self._info_by_places(number)
        return replace(extent.info, last_time=timestamps.text(series_key_time(row[0])))

    def _ends(self, number: int) -> tuple[int, int] | None:
        prefix = series_bytes(number)
        upper = prefix + self._last_tail
        newest = self._rows.last(prefix, upper)
        oldest = None if newest is None else self._rows.first(prefix, upper)
        if newest is None or oldest is None:
            return None
        if self._is_durable(newest) and self._is_durable(oldest):
            return series_key_time(oldest[0]), series_key_time(newest[0])
        return self._ends_by_places(number, NS_MAX)

    def _is_durable(self, row: Row) -> bool:
        return self._durable is None or row[1] <= self._durable

    def _ends_by_places(self, number: int, time_ns: int) -> tuple[int, int] | None:
        """The same, passing over what is not durable yet."""
        ends = [
            next(places_of(self._view, number, self._timebase, time_ns, reverse=reverse), None)
            for reverse in (False, True)
        ]
        oldest, newest = ends
        return None if oldest is None or newest is None else (oldest.time_ns, newest.time_ns)

    def _info_by_places(self, number: int) -> SeriesInfo | None:
        ends = self._ends_by_places(number, self._time_ns)
        return None if ends is None else self._told(number, *ends)

    def _told(self, number: int, first_ns: int, last_ns: int) -> SeriesInfo:
        names = self._view.series.names[number]
        return SeriesInfo(
            lane=cast(Lane, names.lane),
            message_type=names.message_type,
            view_id=names.view_id,
            first_time=timestamps.text(first_ns),
            last_time=timestamps.text(last_ns),
        )


def frame_of(ref: Ref, time: str, page: Page, manifests: list[CardManifest]) -> bytes:
    """The reply that tells a page."""
    reply = DiscoverResponse(
        ref=ref, time=time, entities=[], manifests=manifests, next_key=page.next_key
    )
    before, after = protocol.encode(reply).split(b'"entities":[]', 1)
    return b"".join((before, b'"entities":[', b",".join(page.entities), b"]", after))


def _tail(time_ns: int) -> bytes:
    return time_key(time_ns) + LAST_EVENT_ID[:ID_HEAD_BYTES]


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
