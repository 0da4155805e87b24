"""Columns queries: the values of fields of a series over any span, a page of rows at a time.

Values come from the columns of the samples, and those of events that are in no block yet from the
archive. In canonical time an answer is always complete. In source time any of these events may
belong anywhere, so all are read; if they are too many, the reply says where it ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.column_reply import PageColumn, columns_response
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.field_scan import ScanSpan
from nova.core.query.field_values import (
    FieldValuesPart,
    Position,
    parse_position,
    position_key,
)
from nova.core.query.fields import visible_number
from nova.core.query.page import parse_time_or
from nova.core.query.series_rows import SeriesRows, rows_part
from nova.core.query.series_tail import NO_TIMES, SeriesTail, TailReader
from nova.core.query.stored_field import current_samples, unknown_fields
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.column_rows import ColumnRows
from nova.core.store.sample_store import FIELDS_MAX, FieldColumn, SampledSeries, SampleStore
from nova.sdk import timestamps
from nova.sdk.protocol.column_messages import Columns, ColumnsResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN

ROW_BYTES = 8
VALUE_BYTES = 8 + 1 / 8
BASE64 = 4 / 3


class ColumnLimits(NamedTuple):
    """What an answer reads itself."""

    tail_max_events: int = 10_000
    """Most events that are in no block and are read for one page. In source time, if there are
    more, none is read and the reply is flagged `behind`.
    """

    part_max_events: int = 500
    """Events that are read at once."""


COLUMN_LIMITS = ColumnLimits()


class ColumnQueries:
    """Answers Columns requests from a secondary of the samples of its own, as FindQueries do."""

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        data: Path,
        scratch: Path,
        limits: ColumnLimits = COLUMN_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self.derived = DerivedReader(SampleStore, data, scratch)
        self.tails = TailReader(snapshot, limits.tail_max_events, limits.part_max_events)

    def close(self) -> None:
        self.derived.close()

    async def respond(
        self,
        request: Columns,
        timebase: Timebase,
        max_bytes: int,
        visibility: Visibility = EVERYTHING,
    ) -> ColumnsResponse:
        """A page of rows; raises RequestError."""
        span = _span(request, timebase)
        self._snapshot.refresh()
        number = visible_number(self._snapshot, request, visibility)
        if number is None:
            return ColumnsResponse(
                timebase=timebase, rows=0, times=b"", columns=[], unknown_series=True
            )
        return await self.derived.reply(lambda: self._page(request, number, span, max_bytes))

    async def _page(
        self, request: Columns, number: int, span: ScanSpan, max_bytes: int
    ) -> ColumnsResponse:
        store = current_samples(self.derived, self._snapshot)
        record = (None if store is None else store.series(number)) or SampledSeries()
        rows = ColumnRows(lambda keys: [None] * len(keys)) if store is None else store.columns
        paths = list(dict.fromkeys(request.fields))
        stored = _stored_fields(record, paths)
        numbers = [record.columns.index(field) + 1 for field in stored]
        page = _PageRows(SeriesRows(rows, number, record, numbers, span), span, record.until_ns)
        await page.pick(self.tails, number, rows_max(request.limit, len(paths), max_bytes))
        in_tail = [field for field in page.tail.fields if field.path in paths]
        fields = sorted({*stored, *in_tail}, key=lambda one: (paths.index(one.path), one.is_text))
        chosen = page.reading.choose(page.rows)
        columns = []
        for field in fields:
            values = page.tail.fields.get(field)
            columns.append(PageColumn.read(page.reading, record, field, values, chosen))
            await asyncio.sleep(0)
        reply = columns_response(span.timebase, page.times, columns)
        reply.next_key = None if page.end is None else position_key(page.end)
        reply.behind = page.is_behind
        if page.is_behind and record.until_ns > NS_MIN:
            reply.complete_until = timestamps.text(record.until_ns)
        missing = [path for path in paths if path not in {field.path for field in fields}]
        reply.unknown_fields = unknown_fields(self._snapshot, record, number, missing)
        return reply


class _PageRows:
    """The rows of one page."""

    def __init__(self, reading: SeriesRows, span: ScanSpan, until_ns: int) -> None:
        self.reading = reading
        self.tail = SeriesTail()
        self.times = self.rows = NO_TIMES
        self.end: Position | None = None
        """The last row, if there may be more."""

        self.is_behind = False
        self._span = span
        self._until_ns = until_ns

    async def pick(self, tails: TailReader, series: int, most: int) -> None:
        """Choose the rows behind the position of the span."""
        span = self._span
        if span.timebase == "source":
            self.tail = await tails.read(series, self._until_ns, NS_MAX)
            self.is_behind = self.tail.has_more
            if self.is_behind:
                self.tail = SeriesTail()
            await self._take(self._tail_rows(), most)
            return
        await self._take(None, most)
        start, stop = span.bounds()
        if self.end is None and self._until_ns < stop:
            # All of these come after what the blocks have.
            self.tail = await tails.read(series, max(self._until_ns, start - 1), stop)
            self._add_tail(most - len(self.rows))

    def _tail_rows(self) -> FieldValuesPart:
        times = self.tail.source if self._span.timebase == "source" else self.tail.arrivals
        return rows_part(times, self.tail.arrivals, self.reading.tail_start)

    async def _take(self, tail: FieldValuesPart | None, most: int) -> None:
        parts: list[FieldValuesPart] = []
        left = most
        for part in self.reading.parts(tail):
            parts.append(part.select(slice(0, left)))
            left -= len(parts[-1].times)
            if not left:
                self.end = parts[-1].position(-1)
                break
            await asyncio.sleep(0)
        if parts:
            self.times = np.concatenate([part.times for part in parts])
            self.rows = np.concatenate([part.values for part in parts]).astype(np.int64)

    def _add_tail(self, most: int) -> None:
        part = self._tail_rows()
        part = part.select(self._span.mask(part)).select(slice(0, most))
        self.times = np.concatenate([self.times, part.times])
        self.rows = np.concatenate([self.rows, part.values.astype(np.int64)])
        if len(part.times) == most:
            self.end = part.position(-1)
        elif self.tail.has_more:
            last = int(self.tail.arrivals[-1])
            self.end = last, last


def rows_max(limit: int, columns: int, max_bytes: int) -> int:
    """The rows of a page: those asked for, or as many as its bytes have room for."""
    return max(1, min(limit, int(max_bytes / BASE64 / (ROW_BYTES + columns * VALUE_BYTES))))


def _span(request: Columns, timebase: Timebase) -> ScanSpan:
    start = parse_time_or("startTime", request.start_time, NS_MIN)
    stop = parse_time_or("stopTime", request.stop_time, NS_MAX)
    if start > stop:
        raise RequestError("badRange", "startTime is after stopTime")
    return ScanSpan(timebase, start, stop, after=parse_position(request.after_key))


def _stored_fields(record: SampledSeries, paths: Sequence[str]) -> list[FieldColumn]:
    """The columns of paths: of numbers, of texts, or both. Raises RequestError if a path has, or
    may have, values that are not stored.
    """
    found = []
    for path in paths:
        known = [field for field in record.columns if field.path == path]
        free = [one for one in known if record.texts.get(record.columns.index(one) + 1, "") is None]
        if free:
            raise RequestError(
                "notSampled",
                f"fields: {path!r} is free text, of which no column is stored. Query its events",
            )
        stored = [sum(one.is_text == is_text for one in record.columns) for is_text in (0, 1)]
        if not known and max(stored) >= FIELDS_MAX:
            raise RequestError(
                "notSampled",
                f"fields: {path!r} is not stored: only the first {FIELDS_MAX} fields of a series "
                "are. Query its events",
            )
        found += known
    return found
