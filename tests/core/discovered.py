"""Replies of `discover`, decoded."""

from __future__ import annotations

import msgspec

from nova.core.effect.moment import moment_at
from nova.core.effect.published import PublishedMetadata
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.discover import YIELD_EVERY_ENTITIES, Discovery
from nova.core.query.event_filter import EventFilter
from nova.sdk.protocol.messages import EntityInfo, Filters
from nova.sdk.timestamps import NS_MAX

OWN_SCOPE = "sat"

read_entity = msgspec.json.Decoder(EntityInfo).decode


def discovery_of(view: ArchiveSnapshot, yield_every: int = YIELD_EVERY_ENTITIES) -> Discovery:
    """One that remembers nothing yet."""
    return Discovery(view, PublishedMetadata(view, OWN_SCOPE), yield_every)


async def discovered(
    view: ArchiveSnapshot,
    timebase: Timebase = "source",
    at_ns: int = NS_MAX,
    *,
    filters: Filters | None = None,
    discovery: Discovery | None = None,
) -> list[EntityInfo]:
    """All entities at a time, from a cached listing or a new one."""
    selection = EventFilter(filters or Filters(), view.series)
    page = await (discovery or discovery_of(view)).page(selection, moment_at(timebase, at_ns))
    return [read_entity(entity) for entity in page.entities]
