"""What a lake is made of: the days of an archive that are over, by the protocol, so that a
principal's rights hold.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from nova.core.utc_day import day_of, span_of
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.events.day_seal import DAY_SEALED, OWN_SYSTEM, SEALS_CONTAINER, DaySeal, read_seal
from nova.sdk.protocol.messages import (
    QUERY_LIMIT_MAX,
    Filters,
    Query,
    QueryResponse,
    StatusResponse,
    Timebase,
)
from nova.sdk.timestamps import NS_MAX, NS_MIN


class _EventTimes(msgspec.Struct, rename="camel"):
    source_truth_time: str
    canonical_truth_time: str


class LakeSource:
    """Days in the order of a timebase."""

    def __init__(self, client: Client, timebase: Timebase, filters: Filters) -> None:
        self._client = client
        self._timebase = timebase
        self._filters = filters

    async def last_day(self) -> str | None:
        """The last day that is over: to which no event can be added in canonical time, because a
        later one is durable. None if there is none.
        """
        status: StatusResponse = await self._client.status()
        if status.durable_time is None:
            return None
        first_ns, _ = span_of(day_of(timestamps.parse(status.durable_time)))
        return None if first_ns == NS_MIN else day_of(first_ns - 1)

    async def next_day(self, from_ns: int) -> str | None:
        """The day of the first event from a time on."""
        query = self._query(from_ns, NS_MAX, limit=1)
        page = await self._client.request(query, QueryResponse)
        for stored in page.events:
            times = msgspec.json.decode(stored, type=_EventTimes)
            by_source = self._timebase == "source"
            text = times.source_truth_time if by_source else times.canonical_truth_time
            return day_of(timestamps.parse(text))
        return None

    async def pages(self, day: str) -> AsyncIterator[list[bytes]]:
        """The events of a day in order."""
        async for page in self._client.query_pages(self._query(*span_of(day))):
            yield page

    async def seals(self) -> dict[str, DaySeal]:
        """The seals that this principal may read, by day, without those of which there are several
        (of another archive, imported). Empty in source time, whose days are not sealed.
        """
        if self._timebase == "source":
            return {}
        seals: dict[str, DaySeal | None] = {}
        filters = Filters(
            lanes=["metadata"], system_id=OWN_SYSTEM,
            container_id=SEALS_CONTAINER, message_types=[DAY_SEALED],
        )  # fmt: skip
        query = Query(timebase="canonical", filters=filters, limit=QUERY_LIMIT_MAX)
        async for stored in self._client.query(query):
            if (seal := read_seal(stored)) is not None:
                seals[seal.day] = None if seal.day in seals else seal
        return {day: seal for day, seal in seals.items() if seal is not None}

    def _query(self, first_ns: int, last_ns: int, limit: int = QUERY_LIMIT_MAX) -> Query:
        return Query(
            start_time=timestamps.text(first_ns),
            stop_time=timestamps.text(last_ns),
            timebase=self._timebase,
            filters=self._filters,
            limit=limit,
        )
