"""Gives back one day of a scope and lane: records it, deletes its events, and finishes the record.

Every step is one commit. The first adds the record of the day, so that a removal that is
interrupted is continued at the next start of the writer. Each of the next ones deletes some events,
with their index rows, and keeps their ids and counts right. Then the daily files of the day are
deleted, if its rule says so. The last commit finishes the record and adds the audit event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar, cast

from msgspec.structs import replace

from nova.core.retention.deleted_daily_files import DailyFilesSize, day_of_record, lane_day
from nova.core.retention.due_days import DueDay
from nova.core.retention.survey import DayPart, DaySurvey, day_parts, earlier_events, source_key
from nova.core.retention.unfinished_day import series_of
from nova.core.store.archive import Archive
from nova.core.store.deleted_ids import DELETED_PREFIX, slot_level
from nova.core.store.deleted_ids_sum import DeletedIdsSum, IdsSum
from nova.core.store.given_back import (
    CATALOG,
    ORIGIN_KEY,
    DayGivenBack,
    encode_given_back,
    given_back_key,
    record_digest,
)
from nova.core.store.left_digest import left_digest
from nova.core.store.row_reader import RowReader
from nova.core.writer.audit_trail import audit_event
from nova.core.writer.committer import Committer
from nova.core.writer.removed_events import removed_events
from nova.sdk.events.audit_entry import ActorKind, new_entry
from nova.sdk.events.event import Event
from nova.sdk.field_types import JsonObject

PART_EVENTS = 2_000
"""Events that one commit deletes; ingest continues between commits."""

SERIES_AT_ONCE = 500
"""Series that are looked up before the event loop serves sockets; some milliseconds."""

LAST_ROW = b"\xff" * 32
"""Behind the rest of the key of every row with ids."""

T = TypeVar("T")
ReportRemoval = Callable[[DayGivenBack], None]
"""Called after each commit with the record of the day."""


class Submit(Protocol):
    """Runs a write in the next commit; returns its result once that is durable."""

    def __call__(self, write: Callable[[Committer], T], /) -> Awaitable[T]: ...


class Requester(NamedTuple):
    """Who gives a day back: a user, or the instance by a rule."""

    principal: str
    kind: ActorKind


BY_RULE = Requester("retention", "instance")


class DayRemoval:
    """Gives back days, one after the other."""

    def __init__(
        self,
        committer: Committer,
        submit: Submit,
        report: ReportRemoval = lambda _: None,
        part_events: int = PART_EVENTS,
        files: Path | None = None,
    ) -> None:
        """`files` is the folder of the daily files; without one, none are deleted."""
        self._committer = committer
        self._archive: Archive = committer.archive
        self._submit = submit
        self._report = report
        self._part_events = part_events
        self._files = files

    async def give_back(self, due: DueDay, requester: Requester, survey: DaySurvey) -> DayGivenBack:
        """Give back a day; returns its record once everything is durable."""
        removed = await self._files_size(due)
        record = DayGivenBack(
            day=due.day,
            scope_id=due.scope_id,
            lane=due.lane,
            principal=requester.principal,
            principal_kind=requester.kind,
            rule=str(due.rule),
            events=survey.digest.events,
            bytes=survey.bytes,
            digest=survey.digest.text(),
            source_spans=survey.source_spans(),
            ids_sum=await self._ids_sum(),
            removes_files=due.rule.removes_files,
            files=removed.files,
            file_bytes=removed.bytes,
        )
        await self._submit(lambda committer: _begin(committer, record))
        return await self._remove(record, due.numbers, survey.staying())

    async def _files_size(self, due: DueDay) -> DailyFilesSize:
        if not due.rule.removes_files or self._files is None:
            return DailyFilesSize()
        day = lane_day(self._archive, due.day, due.scope_id, due.lane)
        return await asyncio.to_thread(day.size, self._files)

    async def resume(self) -> DayGivenBack | None:
        """Finish the day that was being given back when the writer ended, if there is one."""
        self._archive.given_back.refresh()
        unfinished = self._archive.given_back.unfinished
        if unfinished is None:
            return None
        record = replace(unfinished)  # The archive's own changes when it is read again.
        record.ids_sum = record.ids_sum or await self._stored_ids_sum()
        numbers = series_of(self._committer.series, record)
        # What stays is the same: of the events that are left, the same ones decide.
        survey = await self.survey(record.day, record.lane, numbers)
        return await self._remove(record, numbers, survey.staying())

    async def _ids_sum(self) -> IdsSum:
        """The sum of the ids of all events that were deleted up to now."""
        entries = self._archive.given_back.entries
        if entries and entries[-1].ids_sum:
            return entries[-1].ids_sum
        return await self._stored_ids_sum()

    async def _stored_ids_sum(self) -> IdsSum:
        """That of the rows that are there: an earlier version has written them without a sum."""
        total = DeletedIdsSum()
        upper = DELETED_PREFIX + LAST_ROW
        for block in RowReader(self._archive).blocks(CATALOG, DELETED_PREFIX, upper):
            total.add(block)
            await asyncio.sleep(0)
        return total.value()

    async def survey(self, day: str, lane: str, numbers: Sequence[int]) -> DaySurvey:
        """What a day has; nothing of it changes any more."""
        survey = DaySurvey(day, lane)
        for some in self._batches_of_series(numbers):
            for event_key, stored in earlier_events(self._archive, some, survey.span[0]):
                survey.add_earlier(event_key, stored)
            await asyncio.sleep(0)
        for part in day_parts(self._archive, numbers, survey.span, self._part_events):
            survey.add(part)
            await asyncio.sleep(0)
        return survey

    async def _remove(
        self, record: DayGivenBack, numbers: Sequence[int], staying: frozenset[bytes]
    ) -> DayGivenBack:
        level = slot_level(record.events)
        for part in self._parts(record, numbers):
            going = [
                (event_key, source_key(stored, record.lane))
                for event_key, stored in zip(part.event_keys, part.stored, strict=True)
                if event_key not in staying
            ]
            if going:
                record.deleted += len(going)
                write = partial(_delete, record=record, going=going, level=level)
                await self._submit(partial(write, earlier=record.ids_sum))
            self._report(record)
            await asyncio.sleep(0)
        if record.removes_files and self._files is not None:
            await asyncio.to_thread(day_of_record(self._archive, record).delete, self._files)
        left = left_digest(self._archive, staying)
        await self._submit(lambda committer: _finish(committer, record, left))
        self._archive.given_back.refresh()
        return record

    @staticmethod
    def _batches_of_series(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        return (numbers[at : at + SERIES_AT_ONCE] for at in range(0, len(numbers), SERIES_AT_ONCE))

    def _parts(self, record: DayGivenBack, numbers: Sequence[int]) -> Iterator[DayPart]:
        """The events of a day, and before them those that stayed of earlier ones."""
        for series in self._batches_of_series(numbers):
            earlier = earlier_events(self._archive, series, record.span[0])
            while some := sorted(islice(earlier, self._part_events)):
                yield DayPart([key for key, _ in some], [stored for _, stored in some])
            yield DayPart([], [])
        yield from day_parts(self._archive, numbers, record.span, self._part_events)


def _begin(committer: Committer, record: DayGivenBack) -> None:
    archive = committer.archive
    committer.open.put_record(ORIGIN_KEY, archive.events.first_key())
    _put(committer, record)


def _delete(
    committer: Committer,
    *,
    record: DayGivenBack,
    going: Sequence[tuple[bytes, bytes]],
    level: int,
    earlier: IdsSum,
) -> None:
    """Delete events; `earlier` is the sum of the ids that are kept before that."""
    event_keys, source_keys = zip(*going, strict=True)
    names = committer.series.names
    removed = removed_events(event_keys, source_keys, names, level)
    committer.open.remove_events(removed)
    ids_sum = DeletedIdsSum(earlier)
    ids_sum.add(removed.id_rows)
    record.ids_sum = ids_sum.value()
    _put(committer, record)


def _finish(committer: Committer, record: DayGivenBack, left: str) -> None:
    record.is_finished = True
    committer.record(_audit_event(record, committer.own_scope, left))
    _put(committer, record)
    committer.counters.days_given_back += 1


def _put(committer: Committer, record: DayGivenBack) -> None:
    """Write the record of the day that is being given back; `given_back` has the earlier ones."""
    number = committer.archive.given_back.finished
    committer.open.put_record(given_back_key(number), encode_given_back(record))


def _audit_event(record: DayGivenBack, scope_id: str, left: str) -> Event:
    details: JsonObject = {
        "day": record.day,
        "scopeId": record.scope_id,
        "lane": record.lane,
        "rule": record.rule,
        "events": record.events,
        "bytes": record.bytes,
        "digest": record.digest,
        "deleted": record.deleted,
        "leftDigest": left,
        "recordDigest": record_digest(encode_given_back(record)),
    }
    if record.removes_files:
        details |= {"files": record.files, "fileBytes": record.file_bytes}
    kind = cast(ActorKind, record.principal_kind)
    return audit_event(new_entry("DayGivenBack", record.principal, kind, details), scope_id)
