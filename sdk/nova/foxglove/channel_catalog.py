"""The channels of a gateway: one for each series that its principal sees."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from nova.sdk.client.client import Client
from nova.sdk.events.envelope_schema import envelope_schema
from nova.sdk.events.series import Series
from nova.sdk.protocol.messages import Discover, DiscoverResponse, Filters
from nova.sdk.protocol.timeline import Fields

CHANNELS_MAX = 10_000
FIELD_REQUESTS_MAX = 8
"""Requests for the fields of series that wait for their replies at a time."""

log = logging.getLogger(__name__)


class Channel(NamedTuple):
    """A series as viewers know it. Its messages are stored envelopes."""

    id: int
    series: Series
    schema: str

    @property
    def topic(self) -> str:
        """The topic that an MCAP export has too, and the view behind it."""
        one = self.series
        entity = (one.system_id, one.container_id, one.unique_id)
        kind = (one.message_type or one.lane, *filter(None, (one.view_id,)))
        return "/".join(("", one.scope_id, one.lane, *entity, *kind))

    def advertised(self) -> dict[str, Any]:
        """The channel in an advertisement."""
        kind = filter(None, (self.series.lane, self.series.message_type, self.series.view_id))
        return {
            "id": self.id,
            "topic": self.topic,
            "encoding": "json",
            "schemaName": ".".join(("nova", *kind)),
            "schemaEncoding": "jsonschema",
            "schema": self.schema,
        }


class ChannelCatalog:
    """All channels in the order in which they were found. A channel is never withdrawn."""

    def __init__(self, filters: Filters, *, channels_max: int = CHANNELS_MAX) -> None:
        self._filters = filters
        self._channels_max = channels_max
        self._channels: list[Channel] = []
        self._known: dict[Series, Channel] = {}
        self._grown = asyncio.Event()
        self.left_out = 0
        """Series beyond the maximum."""

    @property
    def filters(self) -> Filters:
        """What all channels have in common."""
        return self._filters

    def since(self, count: int) -> Sequence[Channel]:
        """The channels behind the first `count` ones."""
        return self._channels[count:]

    def find(self, channel_id: int) -> Channel | None:
        """Ids count from 1."""
        is_known = 0 < channel_id <= len(self._channels)
        return self._channels[channel_id - 1] if is_known else None

    async def wait_beyond(self, count: int) -> None:
        """Wait until there are more channels than `count`."""
        while len(self._channels) <= count:
            await self._grown.wait()

    async def refresh(self, client: Client) -> None:
        """Add the series that are new."""
        found = [one async for one in self._series(client)]
        unknown = [one for one in found if one not in self._known]
        room = self._channels_max - len(self._channels)
        if len(unknown) > room and not self.left_out:
            log.warning("more series than channels", extra={"context": {"series": len(found)}})
        self.left_out = max(0, len(unknown) - room)
        waiting = iter(unknown[:room])
        while some := list(islice(waiting, FIELD_REQUESTS_MAX)):
            schemas = await asyncio.gather(*(self._schema(client, one) for one in some))
            for series, schema in zip(some, schemas, strict=True):
                channel = Channel(len(self._channels) + 1, series, schema)
                self._channels.append(channel)
                self._known[series] = channel
            grown, self._grown = self._grown, asyncio.Event()
            grown.set()

    async def _series(self, client: Client) -> AsyncIterator[Series]:
        """Of everything that was received so far, also of what is dated ahead."""
        asked = Discover(filters=self._filters, timebase="canonical", manifests=False)
        while True:
            page = await client.request(asked, DiscoverResponse)
            for one in _series_of(page):
                yield one
            if page.next_key is None:
                return
            asked.after_key, asked.time = page.next_key, page.time

    async def _schema(self, client: Client, series: Series) -> str:
        asked = Fields(**series._asdict())
        fields = [(one.field, one.kind) for one in await client.fields(asked)]
        schema = envelope_schema(series.lane, series.message_type, fields)
        return msgspec.json.encode(schema, order="deterministic").decode()


def _series_of(page: DiscoverResponse) -> Iterator[Series]:
    for entity in page.entities:
        ids = (entity.system_id, entity.container_id, entity.unique_id)
        for one in entity.series:
            yield Series(entity.scope_id, one.lane, *ids, one.message_type, one.view_id)
