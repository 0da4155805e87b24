"""Discovery: the entities that exist at a time, with their series and descriptors.

Results are cached until one of an entity's series gets a new event: the first and last time per
series, and the encoded entity for requests at the present. A repeated request for the present reads
nothing; one for the past reads one index row of each series that has events after that time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
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
"""Entities computed before the event loop serves sockets; a few milliseconds."""

ID_SEPARATOR = "|"
"""No id contains it."""

OF_NOVA = (MANIFEST, "DriverBinding")
"""Metadata that NOVA itself records for cards and files; it does not make an entity exist."""

encode_entity = msgspec.json.Encoder().encode


class Page(NamedTuple):
    """Entities, each an EntityInfo as JSON, and the key to continue after (None: last page)."""

    entities: list[bytes]
    next_key: str | None


class _Extent(NamedTuple):
    """First and last time of a series, and its description from the last time on."""

    first_ns: int
    last_ns: int
    info: SeriesInfo


class _Settled(NamedTuple):
    """An entity's JSON as of `since_ns` and later; empty if the entity is not listed."""

    since_ns: int
    encoded: bytes


_Described = tuple[Entry[DescriptorInfo] | None, int]
"""The descriptor in effect, and the time from which the newest one of its series is in effect."""


class _Memory:
    """Cache of one timebase up to a watermark, for series without newer events."""

    def __init__(self) -> None:
        self.mark = NS_MIN
        self.extents: dict[int, _Extent | None] = {}
        self.entities: dict[EntityIds, _Settled] = {}
        self.descriptors: dict[int, _Described] = {}
        """The newest descriptor of a series, and when it takes effect."""

    def catch_up(self, view: View) -> None:
        """Invalidate entries of series with new events."""
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
    """Answers Discover requests; one instance is shared by all sessions of a reader."""

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
        """The entities with an event at or before a time, or with a descriptor in effect then,
        ordered by their ids. The key of a page is the ids of its last entity. Raises QueryError for
        an invalid `after_key`.
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
    """The computation of one page. Events that become durable after it began are left out."""

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
        # The value of a source index row is the receive time in key encoding, which compares
        # bytewise.
        self._durable = time_key(self._mark) if at.timebase == "source" else None

    def entity(self, ids: EntityIds) -> _Settled:
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
                    # A descriptor of a clock that runs ahead is in effect before its source time.
                    info = self._told(number, described.told.source_ns, described.told.source_ns)
                if info is not None:
                    series.append(info)
        descriptor = None if described is None else described.value
        encoded = encode_entity(_entity_info(ids, series, descriptor)) if series else b""
        settled = _Settled(since_ns, encoded)
        if self._everything and self._time_ns >= since_ns and self._is_current():
            self._memory.entities[ids] = settled
        return settled

    def _is_current(self) -> bool:
        """Whether results may be cached: the cache has not caught up past this page's watermark."""
        return self._memory.mark == self._mark

    def _descriptor(self, number: int) -> _Described:
        """The descriptor in effect, and when the newest one of the series takes effect."""
        known = self._memory.descriptors.get(number)
        if known is not None and self._time_ns >= known[1]:
            return known
        effective = self._published.descriptor(number, self._at)
        if self._time_ns >= effective[1] and self._is_current():
            self._memory.descriptors[number] = effective
        return effective

    def _extent(self, number: int) -> _Extent | None:
        """The time range of a series, None while it has no durable event."""
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
        """The description of a series at the time, None if it had no event by then."""
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
        """First and last time up to `time_ns`, skipping rows past the watermark."""
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


def frame_of(ref: Ref, time: str, page: Page, manifests: Sequence[bytes]) -> bytes:
    """The encoded DiscoverResponse of a page; its parts are spliced in as they were encoded."""
    reply = DiscoverResponse(ref=ref, time=time, entities=[], next_key=page.next_key)
    before, after = protocol.encode(reply).split(b'"entities":[]', 1)
    parts = [before, b'"entities":[', b",".join(page.entities), b"]"]
    if manifests:
        parts += [b',"manifests":[', b",".join(manifests), b"]"]
    return b"".join((*parts, after))


def _tail(time_ns: int) -> bytes:
    return time_key(time_ns) + LAST_EVENT_ID[:ID_HEAD_BYTES]


def _ids_of(key: str) -> EntityIds:
    parts = key.split(ID_SEPARATOR)
    if len(parts) != 4:
        raise QueryError(
            "badKey", "afterKey is not the nextKey of a discoverResponse: pass it unchanged"
        )
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
