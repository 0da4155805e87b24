"""Checks pieces of an archive: ranges of events, ranges of index rows, and the rollups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np

from nova.core.ordering import TIME_BYTES, last_key_at, time_key, time_of
from nova.core.proof.check_messages import (
    CheckEvents,
    CheckIndex,
    CheckReply,
    CheckRequest,
    CheckRollups,
    EventsChecked,
    FaultyEvent,
    RowsChecked,
    StoredRequest,
)
from nova.core.proof.event_check import CheckedBlock, EventCheck
from nova.core.proof.event_counts import EventCounts
from nova.core.proof.row_sums import ROLLUP, RowSums, Sums, buckets_sum, counts_sum, row_sums
from nova.core.store.archive import Archive
from nova.core.store.index_rows import times_of_rows
from nova.core.store.key_value import KeyValue
from nova.core.store.rollup import rollup_scope, stored_buckets
from nova.core.store.row_reader import RowReader
from nova.core.utc_day import day_of, span_of
from nova.sdk.events.event import Series
from nova.sdk.events.merkle import leaf_hashes
from nova.sdk.timestamps import NS_MAX

BLOCK_ROWS = 4_096
"""Rows that are handled together."""

UNREADABLE_SERIES = Series("", "raw", "", "", "", "", "")
"""Stands for a series whose record is damaged; no event has these names."""


class PieceOutcome(NamedTuple):
    """A reply, with the leaves and series bytes of an EventsChecked."""

    reply: CheckReply
    leaves: Sequence[bytes] = ()
    series: Sequence[bytes] = ()


class _RequestIds(msgspec.Struct, rename="camel"):
    request_id: str
    command_id: str


class PieceCheck:
    """Checks against one open archive, which does not follow its writer meanwhile."""

    def __init__(self, archive: Archive) -> None:
        self.names: list[Series] = []
        for number, series in archive.record.series(unreadable=UNREADABLE_SERIES):
            if number == len(self.names):
                self.names.append(series)
        self.last_ns = archive.record.last_canonical_ns()
        self._archive = archive
        self._rows = RowReader(archive, BLOCK_ROWS)
        self._check = EventCheck(self.names)
        self._row_sums = row_sums()
        self._scopes = [rollup_scope(one) for one in self.names]
        self._requests = [
            number
            for number, one in enumerate(self.names)
            if (one.lane, one.message_type) == ("command", "CommandRequest")
        ]

    def check(self, request: CheckRequest) -> PieceOutcome:
        match request:
            case CheckEvents():
                return self._events(request)
            case CheckIndex():
                return self._index(request)
            case CheckRollups():
                return self._rollups(request.until_ns)

    def blocks(self, lower: bytes, upper: bytes, until_ns: int) -> Iterator[list[KeyValue]]:
        """Blocks of `canonical` up to a time."""
        limit = min(upper, last_key_at(until_ns, reverse=False)) if until_ns < NS_MAX else upper
        return self._rows.blocks("canonical", lower, limit)

    def index_blocks(
        self, family: str, lower: bytes, upper: bytes, until_ns: int
    ) -> Iterator[list[KeyValue]]:
        """Blocks of index rows. Those of events after `until_ns` are left out, unless they are
        after the archive's last canonical time as well: such rows belong to no event.
        """
        last, newest = time_key(min(until_ns, NS_MAX)), time_key(self.last_ns)
        for block in self._rows.blocks(family, lower, upper):
            if until_ns < self.last_ns:
                times = times_of_rows(family, block)
                block = [
                    row
                    for row, time in zip(block, times, strict=True)
                    if time <= last or time > newest
                ]
            yield block

    def _events(self, request: CheckEvents) -> PieceOutcome:
        found = _FoundEvents(self._check, self._row_sums)
        counts = EventCounts(self._scopes)
        for block in self.blocks(request.lower, request.upper, request.until_ns):
            checked = found.add(block, request.sealed_ns)
            if not checked.rows:
                continue
            counts.add(checked.event_table, checked.source_table)
            found.requests += self._requests_in(checked)
        found.sums[ROLLUP] = counts_sum(counts.by_scope())
        return PieceOutcome(found.reply(), found.leaves, found.series)

    def _requests_in(self, checked: CheckedBlock) -> Iterator[StoredRequest]:
        if not self._requests:
            return
        tails = np.ascontiguousarray(checked.event_table[:, TIME_BYTES:]).view(">u4")[:, 0]
        for place in np.flatnonzero(np.isin(tails, self._requests)).tolist():
            ids = msgspec.json.decode(checked.rows[place][1], type=_RequestIds)
            scope_id = self.names[int(tails[place])].scope_id
            source_key = checked.source_table[place].tobytes()
            yield StoredRequest(scope_id, ids.request_id, ids.command_id, source_key)

    def _index(self, request: CheckIndex) -> PieceOutcome:
        rows = total = 0
        for block in self.index_blocks(
            request.family, request.lower, request.upper, request.until_ns
        ):
            rows += len(block)
            total += self._row_sums.rows(block)
        return PieceOutcome(RowsChecked(rows=rows, sum=str(total)))

    def _rollups(self, until_ns: int) -> PieceOutcome:
        """The stored counts, without the events that were stored after `until_ns`."""
        rows = total = 0
        for timebase, level, scope_id, buckets in stored_buckets(self._archive):
            rows += 1
            total += buckets_sum(timebase, scope_id, level, buckets)
        if until_ns < self.last_ns:
            later = CheckEvents(
                lower=time_key(until_ns + 1), upper=b"\xff" * 12, until_ns=NS_MAX, sealed_ns=0
            )
            reply = self._events(later).reply
            assert isinstance(reply, EventsChecked)
            total -= int(reply.sums[ROLLUP])
        return PieceOutcome(RowsChecked(rows=rows, sum=str(total)))


class _FoundEvents:
    """The events of a piece."""

    def __init__(self, check: EventCheck, row_sums: RowSums) -> None:
        self.sums: Sums = {}
        self.leaves: list[bytes] = []
        self.series: list[bytes] = []
        self.requests: list[StoredRequest] = []
        self._check = check
        self._row_sums = row_sums
        self._events = 0
        self._days: list[tuple[str, int]] = []
        self._faults: list[FaultyEvent] = []

    def add(self, block: list[KeyValue], sealed_ns: int) -> CheckedBlock:
        checked = self._check.check(block)
        self._events += len(block)
        self._faults += [FaultyEvent(*fault) for fault in checked.faults]
        self._row_sums.add_expected(self.sums, checked.event_table, checked.source_table)
        for day, count in _days_of(block):
            if self._days and self._days[-1][0] == day:
                count += self._days.pop()[1]
            self._days.append((day, count))
        if time_of(block[0][0]) <= sealed_ns:
            is_all = time_of(block[-1][0]) <= sealed_ns
            sealed = block if is_all else [row for row in block if time_of(row[0]) <= sealed_ns]
            self.leaves += leaf_hashes(stored for _, stored in sealed)
            self.series += [key[TIME_BYTES : TIME_BYTES + 4] for key, _ in sealed]
        return checked

    def reply(self) -> EventsChecked:
        return EventsChecked(
            events=self._events,
            days=self._days,
            sums={name: str(total) for name, total in self.sums.items()},
            faults=self._faults,
            requests=self.requests,
        )


def _days_of(block: list[KeyValue]) -> list[tuple[str, int]]:
    """The days of sorted events, with the number of their events."""
    day = day_of(time_of(block[0][0]))
    if time_of(block[-1][0]) <= span_of(day)[1]:
        return [(day, len(block))]
    return [
        (name, sum(1 for _ in rows))
        for name, rows in groupby(day_of(time_of(key)) for key, _ in block)
    ]
