"""Answers requests for alarms and their transitions; shared by all sessions of a reader."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from nova.core.alarms.alarm_fold import first_position, last_position
from nova.core.effect import moment
from nova.core.effect.moment import Moment
from nova.core.errors import DerivedDamagedError
from nova.core.ordering import Timebase, time_of
from nova.core.query.alarm_info import (
    alarm_info,
    count_alarm,
    is_abnormal,
    is_listed,
    transition_info,
)
from nova.core.query.alarm_keys import alarm_key, alarm_of, transition_key, transition_of
from nova.core.query.alarm_view import (
    AlarmView,
    DatedTransition,
    NameOrder,
    TransitionPlace,
    order_of,
    place_of,
)
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.event_filter import EventFilter
from nova.core.query.followed_alarms import FollowedAlarms, JudgedArchive
from nova.core.store.alarm_store import AlarmName, AlarmStore
from nova.sdk import timestamps
from nova.sdk.protocol.alarm_messages import (
    AlarmCounts,
    AlarmHistory,
    AlarmHistoryResponse,
    Alarms,
    AlarmsResponse,
)
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

BATCH_ALARMS = 200
"""Alarms computed before the event loop serves sockets."""

AFTER_ALL_NAMES = (chr(0x10FFFF),)

BEHIND_NS = 5 * NS_PER_SECOND
"""Age of the oldest event that is not judged, from which on replies say that they are behind."""


class AlarmQueries:
    """Answers with what is judged by now, from one secondary of the alarms."""

    def __init__(
        self, snapshot: ArchiveSnapshot, data: Path, scratch: Path, own_scope: str
    ) -> None:
        self._snapshot = snapshot
        self._derived = DerivedReader(AlarmStore, data, scratch)
        self._followed = FollowedAlarms(self._derived, own_scope)
        self._lock = asyncio.Lock()

    def close(self) -> None:
        self._derived.close()

    @asynccontextmanager
    async def judged(self) -> AsyncIterator[JudgedArchive | None]:
        """What is judged by now, at one cursor while the block runs; None without a usable
        database. A damaged one ends the block.
        """
        async with self._lock:
            try:
                judged = self._followed.judged()
            except DerivedDamagedError as error:
                self._derived.discard(error)
                judged = None
            try:
                yield judged
            except DerivedDamagedError as error:
                self._derived.discard(error)

    async def alarms(
        self, request: Alarms, at: Moment, event_filter: EventFilter
    ) -> AlarmsResponse:
        """A page of alarms; raises RequestError."""
        first = None if request.after_key is None else alarm_of(request.after_key)
        time, beginning = timestamps.text(at.time_ns), timestamps.text(0)
        reply = AlarmsResponse(time=time, settled=beginning, behind=True, alarms=[])
        async with self._lock:  # One request at a time sees the database at one cursor.
            try:
                judged = self._followed.judged()
                if judged is not None:
                    reply.judged, reply.behind = self.how_far(judged)
                    reply.settled = self._settled(judged)
                    numbers = self._numbers(judged.view.names, request.rule, event_filter)
                    await self._fill(reply, judged.view, request, at, numbers, first)
            except DerivedDamagedError as error:
                self._derived.discard(error)
                return AlarmsResponse(time=time, settled=beginning, behind=True, alarms=[])
        return reply

    def _settled(self, judged: JudgedArchive) -> str:
        newest_ns = self._snapshot.watermark
        return timestamps.text(
            max(0, judged.settled_ns(newest_ns, moment.now("canonical", newest_ns).time_ns))
        )

    def how_far(self, judged: JudgedArchive) -> tuple[str | None, bool]:
        """Up to when is judged, as text, and whether that is long ago."""
        cursor_ns = judged.cursor_ns
        text = None if cursor_ns == NS_MIN else timestamps.text(cursor_ns)
        return text, cursor_ns < self._snapshot.watermark - BEHIND_NS

    async def _fill(
        self,
        reply: AlarmsResponse,
        view: AlarmView,
        request: Alarms,
        at: Moment,
        numbers: Sequence[int],
        first: NameOrder | None,
    ) -> None:
        counts: dict[str, AlarmCounts] = {}
        wanted = numbers if first is None else _from_name(view.names, numbers, first)
        for start in range(0, len(wanted), BATCH_ALARMS):
            part = wanted[start : start + BATCH_ALARMS]
            for number, alarm in view.alarms_at(at.timebase, part, at.time_ns):
                name = view.names[number]
                rule = view.rules.rule_at(name, at.timebase, at.time_ns)
                if name.rule_scope and rule is None and not is_abnormal(alarm):
                    continue  # Withdrawn, or not in effect yet.
                scope_id = name.series.scope_id
                if first is None:
                    count_alarm(counts.setdefault(scope_id, AlarmCounts(scope_id=scope_id)), alarm)
                if not is_listed(alarm, request.listing):
                    continue
                if len(reply.alarms) < request.limit:
                    reply.alarms.append(alarm_info(name, rule, alarm))
                elif reply.next_key is None:
                    reply.next_key = alarm_key(order_of(name))
            if first is not None and reply.next_key is not None:
                break
            await asyncio.sleep(0)
        reply.counts = [counts[scope_id] for scope_id in sorted(counts)]

    async def history(
        self,
        request: AlarmHistory,
        timebase: Timebase,
        span: tuple[int, int],
        now_ns: int,
        event_filter: EventFilter,
    ) -> AlarmHistoryResponse:
        """A page of transitions; raises RequestError."""
        wanted = _wanted_places(request, span)
        empty = AlarmHistoryResponse(
            settled=timestamps.text(span[0]),
            behind=True,
            transitions=[],
            resume_key=transition_key(wanted.after),
        )
        async with self._lock:
            try:
                judged = self._followed.judged()
                if judged is None:
                    return empty
                settled_ns = min(span[1], judged.settled_ns(self._snapshot.watermark, now_ns))
                numbers = self._numbers(judged.view.names, request.rule, event_filter)
                found = await _transitions(judged.view, timebase, numbers, wanted, settled_ns)
                return self._page(judged, timebase, wanted.after, request.limit, found, settled_ns)
            except DerivedDamagedError as error:
                self._derived.discard(error)
                return empty

    def _numbers(
        self, names: Sequence[AlarmName], rule: str | None, event_filter: EventFilter
    ) -> list[int]:
        """The wanted alarms in the order of their names."""
        return [
            number
            for number in self._followed.by_name()
            if rule in (None, names[number].rule_id) and event_filter.matches(names[number].series)
        ]

    def _page(
        self,
        judged: JudgedArchive,
        timebase: Timebase,
        after: TransitionPlace,
        limit: int,
        found: Iterator[DatedTransition],
        settled_ns: int,
    ) -> AlarmHistoryResponse:
        """The first of the found transitions."""
        view, some = judged.view, list(islice(found, limit + 1))
        page = some[:limit]
        judged_text, behind = self.how_far(judged)
        resume = page[-1].place if page else after
        return AlarmHistoryResponse(
            judged=judged_text,
            settled=timestamps.text(settled_ns),
            behind=behind,
            transitions=[
                transition_info(
                    view.names[number],
                    view.rules.rule_at(view.names[number], timebase, one.time_ns),
                    one,
                )
                for _, number, one in page
            ],
            resume_key=transition_key(resume),
            next_key=transition_key(resume) if len(some) > len(page) else None,
        )


class _WantedPlaces(NamedTuple):
    """Between which positions transitions are wanted, and after which place in their direction."""

    first: bytes
    last: bytes
    after: TransitionPlace
    reverse: bool


async def _transitions(
    view: AlarmView,
    timebase: Timebase,
    numbers: Sequence[int],
    wanted: _WantedPlaces,
    settled_ns: int,
) -> Iterator[DatedTransition]:
    """The wanted transitions up to a time, in the direction."""
    reverse = wanted.reverse
    last = min(wanted.last, last_position(settled_ns))
    unstored: list[DatedTransition] = []
    for start in range(0, len(numbers), BATCH_ALARMS):
        part = numbers[start : start + BATCH_ALARMS]
        unstored += view.unstored(timebase, part, time_of(wanted.first), settled_ns)
        await asyncio.sleep(0)
    unstored.sort(key=place_of, reverse=reverse)
    stored = view.stored(timebase, set(numbers), wanted.first, last, reverse=reverse)
    merged = merge(stored, unstored, key=place_of, reverse=reverse)
    if reverse:
        return (one for one in merged if one.place < wanted.after)
    return (one for one in merged if one.place > wanted.after)


def _from_name(
    names: Sequence[AlarmName], numbers: Sequence[int], first: NameOrder
) -> Sequence[int]:
    """Those that begin with an alarm or the next one."""
    return numbers[bisect_left(numbers, first, key=lambda number: order_of(names[number])) :]


def _wanted_places(request: AlarmHistory, span: tuple[int, int]) -> _WantedPlaces:
    """What a request wants of a span; raises RequestError."""
    first, last = first_position(span[0]), last_position(span[1])
    begin, end = TransitionPlace(first, ()), TransitionPlace(last, AFTER_ALL_NAMES)
    if request.after_key is None:
        return _WantedPlaces(first, last, end if request.reverse else begin, request.reverse)
    after = transition_of(request.after_key)
    if request.reverse:
        after = min(end, after)
        return _WantedPlaces(first, after.position, after, reverse=True)
    after = max(begin, after)
    return _WantedPlaces(after.position, last, after, reverse=False)
