"""Where the outputs of two definitions, or of two versions of one, differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

import msgspec

from nova.core.definitions.definition import Definition
from nova.core.definitions.definition_rules import OUTPUT_LANE
from nova.core.derivation.series_filter import SeriesFilter
from nova.core.ordering import time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.range_cursor import RangeCursor, Span
from nova.sdk.events.event import Series

SLICE_EVENTS = 5_000

Values = tuple[object, ...]


class _OutputBody(msgspec.Struct, rename="camel"):
    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    message_type: str
    schema_version: str
    payload: dict[str, object]

    @property
    def series(self) -> Series:
        ids = self.system_id, self.container_id, self.unique_id
        return Series(self.scope_id, OUTPUT_LANE, *ids, self.message_type, "")


class Difference(NamedTuple):
    """The values of both at one source time in ns; empty where one has none."""

    time_ns: int
    first: Values
    second: Values


class DiffCounts(msgspec.Struct, rename="camel"):
    """How many source times have the same values, others, or values of one alone."""

    same: int = 0
    different: int = 0
    only_first: int = 0
    only_second: int = 0
    largest: float = 0.0
    """The largest difference of two numbers."""


_body_decoder = msgspec.json.Decoder(_OutputBody)


class VersionDiff:
    """Compares two outputs in an archive, time by time."""

    def __init__(self, snapshot: ArchiveSnapshot, first: Definition, second: Definition) -> None:
        self.counts = DiffCounts()
        self._snapshot = snapshot
        self._both = first, second

    def differences(self, start_ns: int, stop_ns: int) -> Iterator[Difference]:
        """The source times of a range at which the outputs differ, in their order."""
        for time_ns, found in groupby(self._values(start_ns, stop_ns), itemgetter(0)):
            both: tuple[list[object], list[object]] = [], []
            for _, side, value in found:
                both[side].append(value)
            first, second = (tuple(sorted(values, key=repr)) for values in both)
            if self._count(first, second):
                yield Difference(time_ns, first, second)

    def _values(self, start_ns: int, stop_ns: int) -> Iterator[tuple[int, int, object]]:
        """Source time, side and value of each output."""
        wanted = SeriesFilter(
            frozenset(one.output.series for one in self._both), self._snapshot.series
        )
        cursor = RangeCursor(self._snapshot, wanted, Span("source", start_ns, stop_ns))
        sides = [(one.output.series, one.version, one.output.field) for one in self._both]
        while not cursor.done:
            for key, stored in cursor.read_slice(SLICE_EVENTS):
                body = _body_decoder.decode(stored)
                for side, (series, version, field) in enumerate(sides):
                    is_its = body.series == series and body.schema_version == version
                    if is_its and field in body.payload:
                        yield time_of(key), side, body.payload[field]

    def _count(self, first: Sequence[object], second: Sequence[object]) -> bool:
        """Count the values at one time; returns whether they differ."""
        if first == second:
            self.counts.same += bool(first)
            return False
        if not first:
            self.counts.only_second += 1
        elif not second:
            self.counts.only_first += 1
        else:
            self.counts.different += 1
            for pair in zip(first, second, strict=False):
                if all(isinstance(one, int | float) for one in pair):
                    largest = abs(float(pair[0]) - float(pair[1]))  # type: ignore[arg-type]
                    self.counts.largest = max(self.counts.largest, largest)
        return True
