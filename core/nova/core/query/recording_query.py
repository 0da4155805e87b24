"""Recordings: the stretches of telemetry between silences, newest first, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.deletion_guard import DeletionGuard
from nova.core.query.event_filter import EventFilter
from nova.core.query.given_back_info import given_back_from
from nova.core.query.recording_gap import learn_gap_s
from nova.core.query.recording_runs import (
    SEEKS_PER_SLICE,
    Finding,
    Position,
    Run,
    SeriesRuns,
    SeriesTimes,
)
from nova.core.query.rollup_runs import RollupRuns
from nova.core.query.summary import visible_scopes
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.sdk import timestamps
from nova.sdk.address import LANES
from nova.sdk.field_types import Lane
from nova.sdk.protocol.message import Filters
from nova.sdk.protocol.recording_messages import (
    RecordingInfo,
    Recordings,
    RecordingsResponse,
)
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

TELEMETRY: list[Lane] = ["ui", "parsed", "raw"]
"""The lanes that make a recording: people comment on it and command at any time."""

KEY_FAULT = "afterKey is no nextKey of an earlier reply"
OPENED_PARTS = 3
NOT_COUNTED = -1


class RecordingLimits(NamedTuple):
    """How much of the archive one reply reads."""

    rows_max: int = 200_000
    """Rollup rows, which have the counts of eight buckets each."""

    seeks_max: int = 60_000
    """Of the search for runs in indexes of series, and as many for the entities of the runs."""

    counted_max_events: int = 1_000_000
    """Index rows that are counted."""


RECORDING_LIMITS = RecordingLimits()


async def recordings(
    snapshot: ArchiveSnapshot,
    request: Recordings,
    timebase: Timebase,
    visibility: Visibility = EVERYTHING,
    limits: RecordingLimits = RECORDING_LIMITS,
) -> RecordingsResponse:
    """A page of recordings; raises RequestError."""
    position = _parse_key(request.after_key)
    if request.filters.command_id is not None:
        raise RequestError(
            "badRequest", "filters.commandId: recordings are of series. Leave it out"
        )
    lanes = TELEMETRY if request.filters.lanes is None else request.filters.lanes
    filters = msgspec.structs.replace(request.filters, lanes=lanes)
    snapshot.refresh()
    wanted = EventFilter(filters, snapshot.series, visibility)
    guard = DeletionGuard(snapshot.archive.given_back, wanted, timebase, (NS_MIN, NS_MAX))
    guard.check()
    gap_s = request.gap_seconds or await learn_gap_s(snapshot, wanted, timebase)
    search = _RecordingSearch(snapshot, wanted, timebase, round(gap_s * NS_PER_SECOND), limits)
    found, rest = await _page(search.runs(filters, visibility, position), request.limit)
    described = await search.described(found)
    guard.check()
    return RecordingsResponse(
        timebase=timebase,
        gap_seconds=gap_s,
        recordings=described,
        next_key=None if rest is None else _key(rest),
        reached=None if rest is None else timestamps.text(rest.before_ns),
        given_back=given_back_from(snapshot, wanted) if rest is None else [],
    )


async def _page(runs: AsyncIterator[Finding], limit: int) -> tuple[list[Run], Position | None]:
    """The next runs, and where there may be more."""
    found: list[Run] = []
    async for one in runs:
        if isinstance(one, Position):
            return found, one
        found.append(one.run)
        if len(found) == limit:
            return found, one.rest
    return found, None


def _key(position: Position) -> str:
    """The `nextKey` of a reply that ends at a position."""
    if position.opened is None:
        return str(position.before_ns)
    events = NOT_COUNTED if position.opened.events is None else position.opened.events
    opened = (position.opened.start_ns, position.opened.stop_ns, events)
    return ":".join(map(str, (position.before_ns, *opened)))


def _parse_key(key: str | None) -> Position | None:
    """The position of an `afterKey`; raises RequestError."""
    if key is None:
        return None
    try:
        numbers = [int(part) for part in key.split(":")]
    except ValueError:
        numbers = []
    if numbers and all(NS_MIN <= one <= NS_MAX for one in numbers):
        before_ns, *opened = numbers
        if not opened:
            return Position(before_ns)
        if len(opened) == OPENED_PARTS and before_ns <= opened[0] <= opened[1]:
            start_ns, stop_ns, events = opened
            return Position(before_ns, Run(start_ns, stop_ns, events if events >= 0 else None))
    raise RequestError("badKey", KEY_FAULT)


class _RecordingSearch:
    """One page's search for the runs of wanted events, and for what is listed of each."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        wanted: EventFilter,
        timebase: Timebase,
        gap_ns: int,
        limits: RecordingLimits,
    ) -> None:
        self._snapshot = snapshot
        self._wanted = wanted
        self._timebase: Timebase = timebase
        self._gap_ns = gap_ns
        self._limits = limits
        self._times = SeriesTimes(snapshot, timebase)
        self._seeks = 0
        self._counted = 0

    def runs(
        self, filters: Filters, visibility: Visibility, position: Position | None
    ) -> AsyncIterator[Finding]:
        """By rollups where whole scopes are wanted, else by the indexes of series."""
        if filters == Filters(scope_ids=filters.scope_ids, lanes=filters.lanes):
            scopes = visible_scopes(self._snapshot, visibility)
            if filters.scope_ids is not None:
                scopes &= set(filters.scope_ids)
            lanes = frozenset(filters.lanes or LANES) & (visibility.lanes or frozenset(LANES))
            bounds = sorted(scopes), lanes
            by_rollups = RollupRuns(
                *(self._snapshot, self._wanted, bounds, self._timebase, self._gap_ns),
                self._limits.rows_max,
            )
            return by_rollups.runs(position)
        by_series = SeriesRuns(
            *(self._snapshot, self._wanted.numbers(), self._timebase, self._gap_ns),
            self._limits.seeks_max,
        )
        return by_series.runs(position)

    async def described(self, runs: list[Run]) -> list[RecordingInfo]:
        """What is listed of runs; of the last ones less if there is too much to count."""
        entities = self._entities()
        return [
            RecordingInfo(
                start_time=timestamps.text(run.start_ns),
                stop_time=timestamps.text(run.stop_ns),
                events=await self._events(run) if run.events is None else run.events,
                entities=await self._entities_in(run, entities),
            )
            for run in runs
        ]

    def _entities(self) -> list[list[int]]:
        """The numbers of the wanted series of each entity."""
        names = self._snapshot.series.names
        found: dict[tuple[str, ...], list[int]] = {}
        for number in self._wanted.numbers():
            one = names[number]
            ids = (one.scope_id, one.system_id, one.container_id, one.unique_id)
            found.setdefault(ids, []).append(number)
        return list(found.values())

    async def _entities_in(self, run: Run, entities: list[list[int]]) -> int | None:
        """How many entities have events in a run."""
        if len(entities) == 1:
            return 1
        count = 0
        for numbers in entities:
            if self._seeks > self._limits.seeks_max:
                return None
            found = (self._times.first(one, run.start_ns, run.stop_ns) for one in numbers)
            count += any(time is not None for time in found)
            if self._times.seeks >= SEEKS_PER_SLICE:
                self._seeks += self._times.seeks
                await asyncio.sleep(0)
                self._times = SeriesTimes(self._snapshot, self._timebase)
        return count

    async def _events(self, run: Run) -> int | None:
        """How many events a run has, by the rows of the indexes of series."""
        total = 0
        for number in self._wanted.numbers():
            series = self._snapshot.archive.series
            for count in series.row_counts(number, self._timebase, run.start_ns, run.stop_ns):
                total += count
                self._counted += count
                await asyncio.sleep(0)
                if self._counted > self._limits.counted_max_events:
                    return None
        return total
