"""Discovery: the entities that exist at a time, with their series and descriptors.

Results are cached until one of an entity's series gets a new event: the first and last time per
series, and the encoded entity for requests at the present. A repeated request for the present reads
nothing; one for the past reads one index row of each series that has events after that time.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import cast

import msgspec
from msgspec.structs import replace

from nova.core.effect.history import HistoryEntry
from nova.core.effect.moment import Moment
from nova.core.effect.published import DESCRIPTOR_TYPE, MANIFEST_TYPE, PublishedMetadata
from nova.core.ordering import TIMEBASES, Timebase, time_key
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.discovery_cache import CachedEntity, DiscoveryCache, EffectiveDescriptor
from nova.core.query.entity_page import EntityPage, entity_info, page_key, parse_page_key
from nova.core.query.entity_template import EntityTemplate, SeriesExtent
from nova.core.query.event_filter import EventFilter
from nova.core.query.event_key import event_keys
from nova.core.query.last_times import LastTimes
from nova.core.query.page import PAGE_MAX_BYTES, parse_time_or
from nova.core.query.steady_read import read_steadily
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import series_key_time
from nova.core.store.series_table import EntityIds
from nova.sdk import timestamps
from nova.sdk.events.reserved import is_audit_entity
from nova.sdk.field_types import Lane
from nova.sdk.protocol.messages import (
    SERIES_LIMIT_MAX,
    DescriptorInfo,
    SeriesInfo,
)
from nova.sdk.timestamps import NS_MAX, NS_MIN

YIELD_EVERY_ENTITIES = 50
"""Entities computed before the event loop serves sockets; a few milliseconds."""

COMPUTED_STEPS = 4
"""An entity that is computed takes at least as long as that many whose JSON is a template."""

NOVA_TYPES = (MANIFEST_TYPE, "DriverBinding")
"""Metadata that NOVA itself records for cards and files; it does not make an entity exist."""

encode_entity = msgspec.json.Encoder().encode


class Discovery:
    """Answers Discover requests; one instance is shared by all sessions of a reader."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        published: PublishedMetadata,
        yield_every_entities: int = YIELD_EVERY_ENTITIES,
    ) -> None:
        self._snapshot = snapshot
        self._published = published
        self._yield_every_entities = yield_every_entities
        self._caches: dict[Timebase, DiscoveryCache] = {
            timebase: DiscoveryCache() for timebase in TIMEBASES
        }

    async def page(
        self,
        event_filter: EventFilter,
        at: Moment,
        limit: int = SERIES_LIMIT_MAX,
        after_key: str | None = None,
        max_bytes: int = PAGE_MAX_BYTES,
        received_after: str | None = None,
    ) -> EntityPage:
        """The entities with an event at or before a time, or with a descriptor in effect then,
        ordered by their ids. The key of a page is the ids of its last entity. Raises RequestError
        for an invalid `after_key` or `received_after`. A page during which retention begins a day
        is computed anew, so that none mixes series from before and after.
        """
        since_ns = None
        if received_after is not None:
            since_ns = parse_time_or("receivedAfter", received_after, NS_MIN)
        return await read_steadily(
            self._snapshot,
            lambda yields: self._page(
                event_filter, at, limit, after_key, max_bytes, since_ns, yields=yields
            ),
        )

    async def _page(
        self,
        event_filter: EventFilter,
        at: Moment,
        limit: int,
        after_key: str | None,
        max_bytes: int,
        since_ns: int | None,
        *,
        yields: bool,
    ) -> EntityPage:
        memory = self._caches[at.timebase]
        memory.catch_up(self._snapshot)
        listing = _PageQuery(self._snapshot, self._published, event_filter, at, memory, since_ns)
        settled = memory.entities if listing.matches_all else {}
        known, sees_audit = listing.entities(), event_filter.visibility.sees_audit
        start = 0 if after_key is None else bisect_right(known, parse_page_key(after_key))
        found: list[bytes] = []
        last: EntityIds | None = None
        size = 0
        await listing.read_ahead(known, start, start + limit, yields=yields)
        steps_max = COMPUTED_STEPS * self._yield_every_entities if yields else sys.maxsize
        for ids in known[start:]:
            if last is not None and (len(found) == limit or size >= max_bytes):
                return EntityPage(found, page_key(last))
            if not sees_audit and is_audit_entity(ids[1], ids[2]):
                continue
            entity = settled.get(ids)
            if entity is None or at.time_ns < entity.since_ns:
                encoded = listing.entity(ids)
                if listing.steps >= steps_max:
                    listing.steps = 0
                    await asyncio.sleep(0)
            else:
                encoded = entity.encoded
            if encoded:
                found.append(encoded)
                size += len(encoded)
                last = ids
        return EntityPage(found, None)


class _PageQuery:
    """The computation of one page. Events that become durable after it began are left out."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        published: PublishedMetadata,
        event_filter: EventFilter,
        at: Moment,
        cache: DiscoveryCache,
        since_ns: int | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._published = published
        self._event_filter = event_filter
        only = None if since_ns is None else snapshot.changed_since(since_ns)
        self._only = None if only is None else frozenset(only)
        self.matches_all = event_filter.matches_whole_entities and only is None
        self._visibility = event_filter.visibility
        self._at = at
        self._timebase: Timebase = at.timebase
        self._watermark = snapshot.watermark
        self._days = snapshot.deletions_begun
        self._time_ns = at.time_ns
        self._cache = cache
        self._rows = snapshot.archive.series.seeker(at.timebase)
        self._last_ns = self._watermark if at.timebase == "canonical" else NS_MAX
        # The value of a source index row is the receive time in key encoding, which compares
        # bytewise.
        self._durable_key = time_key(self._watermark) if at.timebase == "source" else None
        self.steps = 0
        self._known = cache.last_times(at.time_ns)
        self._last_times = LastTimes(snapshot, at.timebase, at.time_ns, self._known.times)

    def entities(self) -> Sequence[EntityIds]:
        """All that may be listed, sorted by their ids."""
        series = self._snapshot.series
        if self._only is None:
            return series.entities()
        return sorted({series.entity_of(number) for number in self._only})

    async def read_ahead(
        self, entities: Sequence[EntityIds], start: int, stop: int, *, yields: bool
    ) -> None:
        """Look up together what the pages from one entity to another need."""
        start = max(start, self._known.entities)
        if not self.matches_all or start >= stop:
            return
        templates, time_ns = self._cache.templates, self._time_ns
        wanted: set[bytes] = set()
        for ids in entities[start:stop]:
            template = templates.get(ids)
            if template is not None and time_ns >= template.from_ns:
                wanted.update(template.sought_at(time_ns))
        for _ in self._last_times.read_ahead(wanted):
            if yields:
                await asyncio.sleep(0)
        self._known.entities = stop

    def entity(self, ids: EntityIds) -> bytes:
        """An entity's JSON, empty if it is not listed; counts its steps."""
        template = self._cache.templates.get(ids) if self.matches_all else None
        if template is not None and self._time_ns >= template.from_ns:
            self.steps += 1
            encoded = template.encoded_at(self._time_ns, self._last_times.find)
            if encoded is not None:
                return encoded
        self.steps += COMPUTED_STEPS
        return self._new_entity(ids)

    def _new_entity(self, ids: EntityIds) -> bytes:
        series: list[SeriesInfo] = []
        extents: list[tuple[int, SeriesExtent]] = []
        described: HistoryEntry[DescriptorInfo] | None = None
        since_ns = described_ns = NS_MIN
        for number in self._snapshot.series.of_entity(ids):
            names = self._snapshot.series.names[number]
            is_descriptor = names.lane == "metadata" and names.message_type == DESCRIPTOR_TYPE
            if not self._may_list(number):
                continue
            if is_descriptor:
                described, described_ns = self._descriptor(number)
                since_ns = max(since_ns, described_ns)
            if names.lane == "metadata" and names.message_type in NOVA_TYPES:
                continue
            if self.matches_all or self._event_filter.matches(names):
                extent = self._extent(number)
                info = None if extent is None else self._info(number, extent)
                if extent is not None:
                    since_ns = max(since_ns, extent.last_ns, self._kept_from(number))
                    extents.append((number, extent))
                if is_descriptor:
                    first_ns = NS_MAX if extent is None else extent.first_ns
                    described_ns = max(described_ns, first_ns)
                if info is None and is_descriptor and described is not None:
                    # A descriptor of a clock that runs ahead is in effect before its source time.
                    at_ns = described.times.source_ns
                    info = self._series_info(number, at_ns, at_ns)
                if info is not None:
                    series.append(info)
        shown = None if described is None else described.value
        entity = entity_info(ids, series, shown, is_brief=self._only is not None)
        encoded = encode_entity(entity) if series else b""
        if self.matches_all and self._may_cache():
            if self._time_ns >= since_ns:
                self._cache.entities[ids] = CachedEntity(since_ns, encoded)
            from_ns = max((described_ns, *(self._kept_from(number) for number, _ in extents)))
            if self._time_ns >= from_ns:
                self._cache.templates[ids] = EntityTemplate(from_ns, entity, extents)
        return encoded

    def _may_list(self, number: int) -> bool:
        is_new = self._only is None or number in self._only
        return is_new and self._visibility.matches(self._snapshot.series.names[number])

    def _may_cache(self) -> bool:
        """Whether results may be cached: neither the cache nor the archive has changed since this
        page began.
        """
        begun = self._snapshot.deletions_begun
        is_same = self._cache.days == self._days == begun
        return is_same and self._cache.watermark == self._watermark

    def _descriptor(self, number: int) -> EffectiveDescriptor:
        """The descriptor in effect, and when the newest one of the series takes effect."""
        known = self._cache.descriptors.get(number)
        if known is not None and self._time_ns >= known[1]:
            return known
        effective = self._published.descriptor(number, self._at)
        if self._time_ns >= effective[1] and self._may_cache():
            self._cache.descriptors[number] = effective
        return effective

    def _extent(self, number: int) -> SeriesExtent | None:
        """The time range of a series, None while it has no durable event."""
        known = self._cache.extents
        if number in known:
            return known[number]
        ends = self._time_range(number)
        extent = None
        if ends is not None:
            first_ns, last_ns = ends
            extent = SeriesExtent(first_ns, last_ns, self._series_info(number, first_ns, last_ns))
        if self._may_cache():
            known[number] = extent
        return extent

    def _info(self, number: int, extent: SeriesExtent) -> SeriesInfo | None:
        """The description of a series at the time, None if it had no event by then."""
        if self._time_ns < self._kept_from(number):
            return None
        if self._time_ns >= extent.last_ns:
            return extent.info
        if self._time_ns < extent.first_ns:
            return None
        row = self._rows.last(number, self._time_ns)
        if row is None or not self._is_durable(row):
            return self._info_by_keys(number)
        return replace(extent.info, last_time=timestamps.text(series_key_time(row[0])))

    def _time_range(self, number: int) -> tuple[int, int] | None:
        newest = self._rows.last(number, self._last_ns)
        oldest = None if newest is None else self._oldest(number)
        if newest is None or oldest is None:
            return None
        if self._is_durable(newest) and self._is_durable(oldest):
            return series_key_time(oldest[0]), series_key_time(newest[0])
        return self._ends_by_keys(number, NS_MAX)

    def _kept_from(self, number: int) -> int:
        if not self._days:
            return NS_MIN
        names = self._snapshot.series.names[number]
        return self._snapshot.archive.given_back.kept_from(names)

    def _oldest(self, number: int) -> KeyValue | None:
        """The last event until the kept days begin, else the first one. Of earlier events some
        stay, and the others go with one commit or the next.
        """
        kept_ns = self._kept_from(number)
        row = None if kept_ns == NS_MIN else self._rows.last(number, kept_ns)
        return row or self._rows.first(number, self._last_ns)

    def _is_durable(self, row: KeyValue) -> bool:
        return self._durable_key is None or row[1] <= self._durable_key

    def _ends_by_keys(self, number: int, time_ns: int) -> tuple[int, int] | None:
        """First and last time up to `time_ns`, skipping rows past the watermark."""
        found = partial(event_keys, self._snapshot, number, self._timebase)
        newest = next(found(time_ns, reverse=True), None)
        if newest is None:
            return None
        kept_ns = self._kept_from(number)
        oldest = None if kept_ns == NS_MIN else next(found(kept_ns, reverse=True), None)
        oldest = oldest or next(found(time_ns, reverse=False), newest)
        return oldest.time_ns, newest.time_ns

    def _info_by_keys(self, number: int) -> SeriesInfo | None:
        ends = self._ends_by_keys(number, self._time_ns)
        return None if ends is None else self._series_info(number, *ends)

    def _series_info(self, number: int, first_ns: int, last_ns: int) -> SeriesInfo:
        names = self._snapshot.series.names[number]
        return SeriesInfo(
            lane=cast(Lane, names.lane),
            message_type=names.message_type,
            view_id=names.view_id,
            first_time=timestamps.text(first_ns),
            last_time=timestamps.text(last_ns),
        )
