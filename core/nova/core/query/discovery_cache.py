"""What discovery keeps of one timebase, until events come or retention begins a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from nova.core.effect.history import HistoryEntry
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.entity_template import EntityTemplate, SeriesExtent
from nova.core.store.series_table import EntityIds
from nova.sdk.protocol.messages import DescriptorInfo
from nova.sdk.timestamps import NS_MIN


class CachedEntity(NamedTuple):
    """An entity's JSON as of `since_ns` and later; empty if the entity is not listed."""

    since_ns: int
    encoded: bytes


EffectiveDescriptor = tuple[HistoryEntry[DescriptorInfo] | None, int]
"""The descriptor in effect, and the time from which the newest one of its series is in effect."""


@dataclass(slots=True)
class KnownLastTimes:
    """The times of the last events of series up to a time, by the bytes of the series: of all that
    the first `entities` need.
    """

    time_ns: int
    times: dict[bytes, int | None] = field(default_factory=dict)
    entities: int = 0


class DiscoveryCache:
    """Cache of one timebase up to a watermark, for series without newer events."""

    def __init__(self) -> None:
        self.watermark = NS_MIN
        self.days = 0
        self.extents: dict[int, SeriesExtent | None] = {}
        self.entities: dict[EntityIds, CachedEntity] = {}
        self.templates: dict[EntityIds, EntityTemplate] = {}
        self.descriptors: dict[int, EffectiveDescriptor] = {}
        """The newest descriptor of a series, and when it takes effect."""

        self._last_times = KnownLastTimes(NS_MIN)

    def last_times(self, time_ns: int) -> KnownLastTimes:
        """What the pages of one time share until there are news."""
        if time_ns != self._last_times.time_ns:
            self._last_times = KnownLastTimes(time_ns)
        return self._last_times

    def catch_up(self, snapshot: ArchiveSnapshot) -> None:
        """Invalidate entries of series with new events."""
        changed = snapshot.changed_since(self.watermark)
        if changed is None or changed or self.days != snapshot.deletions_begun:
            self._last_times = KnownLastTimes(NS_MIN)
        if changed is None or self.days != snapshot.deletions_begun:
            self.extents.clear()
            self.entities.clear()
            self.templates.clear()
            self.descriptors.clear()
        else:
            for number in changed:
                self.extents.pop(number, None)
                ids = snapshot.series.entity_of(number)
                self.entities.pop(ids, None)
                self.templates.pop(ids, None)
                self.descriptors.pop(number, None)
        self.watermark = snapshot.watermark
        self.days = snapshot.deletions_begun
