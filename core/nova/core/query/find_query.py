"""Find queries: where the values of a field meet a condition, over any span."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from operator import eq, ge, gt, le, lt, ne
from pathlib import Path
from typing import NamedTuple

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.field_scan import FieldScan, ScanBlock, ScanSpan
from nova.core.query.field_values import (
    FieldValuesPart,
    Position,
    parse_position,
    position_key,
)
from nova.core.query.fields import visible_number
from nova.core.query.find_conditions import (
    ChangeFinder,
    Finder,
    Found,
    GapFinder,
    RunFinder,
    SteadyFinder,
)
from nova.core.query.page import parse_time_or
from nova.core.query.stored_field import StoredField, current_samples, stored_field
from nova.core.query.visibility import EVERYTHING, Visibility
from nova.core.store.column import Mask
from nova.core.store.column_codec import Numbers
from nova.core.store.column_zone import ColumnZone
from nova.core.store.sample_store import SampledSeries, SampleStore
from nova.sdk import timestamps
from nova.sdk.protocol.timeline import FieldFinding, Find, FindResponse
from nova.sdk.timestamps import NS_MAX, NS_MIN, NS_PER_SECOND

Value = bool | float | str | None

COMPARISONS: dict[str, Callable[[Numbers, float], Mask]] = {
    "above": gt,
    "atLeast": ge,
    "below": lt,
    "atMost": le,
    "equal": eq,
    "notEqual": ne,
}
NO_TEXT = -1.0
"""The position of a text that the field never had."""


class FindLimits(NamedTuple):
    """What an answer reads itself."""

    tail_max_events: int = 1_500
    """Most events that are in no block. If there are more, none is searched and the reply is
    flagged `behind`.
    """

    values_max: int = 5_000_000
    """Values after which a reply ends, as soon as no run is open: about a tenth of a second."""


FIND_LIMITS = FindLimits()


class FindQueries:
    """Answers Find requests from a secondary of the samples of its own, so that a long one delays
    no plot.
    """

    def __init__(
        self,
        snapshot: ArchiveSnapshot,
        data: Path,
        scratch: Path,
        limits: FindLimits = FIND_LIMITS,
    ) -> None:
        self._snapshot = snapshot
        self._limits = limits
        self._derived = DerivedReader(SampleStore, data, scratch)

    def close(self) -> None:
        self._derived.close()

    async def respond(
        self, request: Find, timebase: Timebase, visibility: Visibility = EVERYTHING
    ) -> FindResponse:
        """A page of findings; raises RequestError."""
        check_condition(request)
        span = _span(request, timebase)
        self._snapshot.refresh()
        number = visible_number(self._snapshot, request, visibility)
        if number is None:
            return FindResponse(timebase=timebase, findings=[], unknown_series=True)
        return await self._derived.reply(lambda: self._find(request, number, span))

    async def _find(self, request: Find, number: int, span: ScanSpan) -> FindResponse:
        is_text = isinstance(request.value, str) if request.value is not None else None
        field = stored_field(
            self._snapshot,
            current_samples(self._derived, self._snapshot),
            number,
            (request.field, is_text),
            span.timebase,
            self._limits.tail_max_events,
        )
        record = field.record if field.column is not None else SampledSeries()
        scan = FieldScan(field.rows, number, record, field.column or 0, span)
        page = await _page(request, scan, _finder(request, field), field.tail, self._limits)
        return FindResponse(
            timebase=span.timebase,
            findings=[_finding(one, field) for one in page.found],
            next_key=None if page.end is None else position_key(page.end),
            reached=None if page.end is None else timestamps.text(page.end[0]),
            behind=field.is_behind,
            unknown_fields=[] if field.is_known else [request.field],
        )


class _FoundPage(NamedTuple):
    """What a reply has found, and the position that it ends at (None: that of the span)."""

    found: list[Found]
    end: Position | None


async def _page(
    request: Find, scan: FieldScan, finder: Finder, tail: FieldValuesPart, limits: FindLimits
) -> _FoundPage:
    """The next findings, until there are enough or enough values have been examined."""
    found: list[Found] = []
    examined = 0
    for part in scan.parts(finder, tail):
        new = finder.end() if isinstance(part, ScanBlock) else finder.feed(part)
        found += islice(new, request.limit - len(found))
        if len(found) == request.limit:
            break
        if not isinstance(part, ScanBlock):
            examined += len(part.values)
            end = finder.resume_at(part) if examined >= limits.values_max else None
            # A scan may begin with the value at its position: one value more is further.
            if end is not None and position_key(end) != request.after_key:
                return _FoundPage(found, end)
        await asyncio.sleep(0)
    else:
        found += islice(finder.end(), request.limit - len(found))
    return _FoundPage(found, _end(request, found[-1]) if len(found) == request.limit else None)


def check_condition(request: Find) -> None:
    """Raise RequestError unless the members of a condition fit each other."""
    value, compares = request.value, request.condition in COMPARISONS
    fault = None
    if compares and value is None:
        fault = f"value: {request.condition!r} needs a value to compare with"
    elif not compares and value is not None:
        fault = f"value: {request.condition!r} compares with no value. Leave it out"
    elif isinstance(value, str) and request.condition not in ("equal", "notEqual"):
        fault = f"value: texts are not ordered, so {request.condition!r} needs a number"
    elif request.condition == "steady" and request.min_samples < 2 and not request.min_seconds:
        fault = "minSeconds: 'steady' needs minSeconds or minSamples: one value is always steady"
    elif request.condition in ("change", "gap") and request.min_samples > 1:
        fault = f"minSamples: {request.condition!r} is no run of samples. Leave it out"
    elif request.condition == "change" and request.min_seconds:
        fault = "minSeconds: a change has no duration. Leave it out"
    elif request.condition == "gap" and not request.min_seconds:
        fault = "minSeconds: 'gap' needs the seconds that a gap is longer than"
    if fault is not None:
        raise RequestError("badRequest", fault)


def _span(request: Find, timebase: Timebase) -> ScanSpan:
    start = parse_time_or("startTime", request.start_time, NS_MIN)
    stop = parse_time_or("stopTime", request.stop_time, NS_MAX)
    if start > stop:
        raise RequestError("badRange", "startTime is after stopTime")
    included = request.condition == "gap" or (request.condition == "change" and not request.reverse)
    return ScanSpan(
        timebase, start, stop, request.reverse, parse_position(request.after_key), included
    )


def _end(request: Find, found: Found) -> Position:
    """Where a request continues behind a finding."""
    return found.start if request.reverse else found.stop


def _finder(request: Find, field: StoredField) -> Finder:
    min_ns = round(request.min_seconds * NS_PER_SECOND)
    if request.condition == "gap":
        return GapFinder(min_ns)
    if request.condition == "steady":
        return SteadyFinder(request.min_samples, min_ns)
    if request.condition == "change":
        return ChangeFinder(reverse=request.reverse)
    if isinstance(request.value, str):
        texts = field.texts or []
        value = float(texts.index(request.value)) if request.value in texts else NO_TEXT
        is_cold = _cold_texts(request.condition, value)
    else:
        assert request.value is not None
        value = float(request.value)
        is_cold = _cold_numbers(request.condition, value)
    compare = COMPARISONS[request.condition]
    return RunFinder(lambda values: compare(values, value), is_cold, request.min_samples, min_ns)


def _cold_texts(condition: str, value: float) -> Callable[[ColumnZone], bool]:
    if condition == "equal":
        return lambda zone: value not in frozenset(zone.texts)
    return lambda zone: frozenset(zone.texts) == {value}


def _cold_numbers(condition: str, value: float) -> Callable[[ColumnZone], bool]:
    """Whether no value in a zone's bounds meets a comparison. NaN, which the bounds leave out,
    differs from any value and compares with none.
    """
    rules: dict[str, Callable[[ColumnZone], bool]] = {
        "above": lambda zone: zone.greatest <= value,
        "atLeast": lambda zone: zone.greatest < value,
        "below": lambda zone: zone.least >= value,
        "atMost": lambda zone: zone.least > value,
        "equal": lambda zone: not zone.least <= value <= zone.greatest,
        "notEqual": lambda zone: False,
    }
    return rules[condition]


def _finding(found: Found, field: StoredField) -> FieldFinding:
    is_run = field.texts is None and found.before is None
    return FieldFinding(
        start_time=timestamps.text(found.start[0]),
        stop_time=timestamps.text(found.stop[0]),
        samples=found.samples,
        min=found.least if is_run else None,
        max=found.greatest if is_run else None,
        before=_value(found.before, field),
        after=_value(found.after, field),
    )


def _value(number: float | None, field: StoredField) -> Value:
    if number is None:
        return None
    if field.texts is not None:
        return field.texts[int(number)]
    return bool(number) if field.is_boolean else number
