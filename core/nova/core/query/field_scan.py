"""Scans one field of a series in the order of a timebase, and leaves out blocks by their zones.

Events at the same source time are in the order of their arrival. Blocks are in the order of
arrival, so that the source times of neighbours may overlap: their values are merged.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol

import numpy as np

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.store.column import Mask
from nova.core.store.column_codec import Integers, Numbers
from nova.core.store.column_rows import ColumnRows
from nova.core.store.column_tree import BlockId, children, roots
from nova.core.store.column_zone import ColumnZone, TimesZone, column_zone
from nova.core.store.sample_store import SampledSeries

READ_MAX_BLOCKS = 16
MERGED_MAX_VALUES = 8_000_000
"""Values that wait for others of earlier times. Each takes 24 bytes."""

Position = tuple[int, int]
"""Time in ns and, for events at the same time, canonical time."""


class FieldValuesPart(NamedTuple):
    """Values in order, with their times in the timebase and their canonical times."""

    times: Integers
    arrivals: Integers
    values: Numbers

    def select(self, kept: Mask | slice | Integers) -> FieldValuesPart:
        return FieldValuesPart(self.times[kept], self.arrivals[kept], self.values[kept])

    def position(self, index: int) -> Position:
        return int(self.times[index]), int(self.arrivals[index])


class ScanSpan(NamedTuple):
    """What is scanned: a range of times, both ends included, behind a position."""

    timebase: Timebase
    start_ns: int
    stop_ns: int
    reverse: bool = False
    after: Position | None = None
    after_included: bool = False

    def mask(self, part: FieldValuesPart) -> Mask:
        """Which values are inside."""
        mask: Mask = (part.times >= self.start_ns) & (part.times <= self.stop_ns)
        if self.after is None:
            return mask
        time, arrival = self.after
        is_same = part.times == time
        beyond = part.times < time if self.reverse else part.times > time
        later = part.arrivals < arrival if self.reverse else part.arrivals > arrival
        here = later | (part.arrivals == arrival) if self.after_included else later
        mask &= beyond | (is_same & here)
        return mask

    def bounds(self) -> tuple[int, int]:
        """The first and the last time that may be inside."""
        if self.after is None:
            return self.start_ns, self.stop_ns
        if self.reverse:
            return self.start_ns, min(self.stop_ns, self.after[0])
        return max(self.start_ns, self.after[0]), self.stop_ns


class Heat(Enum):
    """Whether a block is read: a hot one is, a cold one is not, and one beside a hot block is read
    for its place in the order alone.
    """

    HOT = auto()
    BESIDE = auto()
    COLD = auto()


class ScanBlock(NamedTuple):
    """A block with values in the span, or several cold ones that overlap."""

    first: int
    last: int
    blocks: tuple[BlockId, ...]
    zone: ColumnZone
    heat: Heat

    @property
    def is_cold(self) -> bool:
        return self.heat is Heat.COLD


class ColdRule(Protocol):
    """Which blocks need not be read."""

    def is_cold(self, zone: ColumnZone) -> bool:
        """Whether the values of a block with this zone need not be known."""

    def is_alike(self, left: ColumnZone, right: ColumnZone) -> bool:
        """Whether it does not matter in which order the values of two cold blocks are."""

    @property
    def keeps_beside(self) -> bool:
        """Whether the place of cold values beside those of a block that is read matters."""


class FieldScan:
    """One pass over a column of a series."""

    def __init__(
        self, rows: ColumnRows, series: int, record: SampledSeries, column: int, span: ScanSpan
    ) -> None:
        self._rows = rows
        self._series = series
        self._sizes = record.sizes
        self._roots = roots(record.units, record.sizes)
        self._column = column
        self._span = span

    def parts(
        self, rule: ColdRule, tail: FieldValuesPart, merged_max: int = MERGED_MAX_VALUES
    ) -> Iterator[FieldValuesPart | ScanBlock]:
        """The values in the direction of the span, and cold blocks at their place between them.
        `tail` is of events that are in no block.
        """
        tail = self._inside(tail)
        found = [*self._find(self._roots, rule), *_as_block(tail)]
        blocks = self._in_direction(self._separate(found, rule))
        loaded = self._load_all(blocks, tail)
        waiting = tail.select(slice(0, 0))
        for index, block in enumerate(blocks):
            ready = self._ready(waiting, block)
            if ready:
                yield waiting.select(slice(0, ready))
                waiting = waiting.select(slice(ready, None))
            if block.is_cold:
                yield block
                continue
            waiting = self._merge([waiting, loaded(index)])
            if len(waiting.times) > merged_max:
                raise RequestError(
                    "badRange",
                    f"startTime, stopTime: more than {merged_max:,} values of this span arrived "
                    "in another order than their source times. Request a shorter span",
                )
        if len(waiting.times):
            yield waiting

    def first_of(self, cold: ScanBlock) -> Position:
        """The position of the earliest value of a cold block, which is in the span as a whole."""
        return min(self._first_of(block) for block in cold.blocks)

    def _first_of(self, block: BlockId) -> Position:
        if not block.level:
            return self._in_order(self._read([block])[0], reverse=False).position(0)
        best: Position | None = None
        for one in sorted(self._below(block), key=lambda below: below.first):
            if best is not None and one.first > best[0]:
                break
            found = self._first_of(one.blocks[0])
            best = found if best is None else min(best, found)
        assert best is not None, "a zone counts values, and no block below has any"
        return best

    # --- which blocks -----------------------------------------------------------------------------

    def _find(self, blocks: Sequence[BlockId], rule: ColdRule) -> Iterator[ScanBlock]:
        """The blocks with values in the span: cold ones as wide as they are, others of level 0."""
        while blocks:
            below: list[BlockId] = []
            for block in self._zoned(blocks, rule):
                if block.is_cold or not block.blocks[0].level:
                    yield block
                else:
                    below += children(block.blocks[0], self._sizes)
            blocks = below

    def _below(self, block: BlockId) -> Iterator[ScanBlock]:
        """The blocks that a cold summary covers."""
        return self._zoned(children(block, self._sizes), None)

    def _zoned(self, blocks: Sequence[BlockId], rule: ColdRule | None) -> Iterator[ScanBlock]:
        """Blocks with values in the span. `rule`: None if they are cold."""
        times = self._rows.times_zones(self._series, blocks)
        zones = self._rows.column_zones(self._series, self._column, blocks)
        for block, of_times, zone in zip(blocks, times, zones, strict=True):
            if zone is not None and self._overlaps(of_times):
                is_cold = rule is None or (self._is_whole(of_times) and rule.is_cold(zone))
                heat = Heat.COLD if is_cold else Heat.HOT
                yield ScanBlock(*of_times.span(self._span.timebase), (block,), zone, heat)

    def _overlaps(self, zone: TimesZone) -> bool:
        first, last = zone.span(self._span.timebase)
        start, stop = self._span.bounds()
        return zone.events > 0 and first <= stop and last >= start

    def _is_whole(self, zone: TimesZone) -> bool:
        """Whether all values of a block are in the span, for certain."""
        (first, last), (start, stop) = zone.span(self._span.timebase), self._span.bounds()
        if self._span.after is None:
            return first >= start and last <= stop
        return first > start and last < stop

    def _separate(self, blocks: list[ScanBlock], rule: ColdRule) -> list[ScanBlock]:
        """Blocks in order, of which no cold one overlaps a hot one: those that do are read."""
        while True:
            hot = _joined_spans(blocks, rule)
            cold, others = _groups([block for block in blocks if block.is_cold], rule)
            beside = others + [block for block in cold if _touches(block, hot)]
            if not beside:
                return sorted([*(b for b in blocks if not b.is_cold), *cold], key=_by_first)
            refined = {one for block in beside for one in block.blocks}
            kept = [block for block in blocks if refined.isdisjoint(block.blocks)]
            for one in (block for block in blocks if not refined.isdisjoint(block.blocks)):
                if one.blocks[0].level:
                    kept += self._below(one.blocks[0])
                else:
                    kept.append(one._replace(heat=Heat.BESIDE))
            blocks = kept

    def _in_direction(self, blocks: list[ScanBlock]) -> list[ScanBlock]:
        if self._span.reverse:
            return sorted(blocks, key=lambda block: (block.last, block.blocks), reverse=True)
        return blocks

    # --- their values -----------------------------------------------------------------------------

    def _load_all(
        self, blocks: Sequence[ScanBlock], tail: FieldValuesPart
    ) -> Callable[[int], FieldValuesPart]:
        """Reads the values of blocks by their place, several at once ahead."""
        ahead: dict[int, FieldValuesPart] = {}

        def load(index: int) -> FieldValuesPart:
            if not blocks[index].blocks:
                return tail
            if index not in ahead:
                places = range(index, min(index + READ_MAX_BLOCKS, len(blocks)))
                wanted = [at for at in places if blocks[at].blocks and not blocks[at].is_cold]
                found = self._read([blocks[place].blocks[0] for place in wanted])
                ahead.update(zip(wanted, map(self._inside, found), strict=True))
            return ahead.pop(index)

        return load

    def _read(self, blocks: Sequence[BlockId]) -> list[FieldValuesPart]:
        numbers = [block.number for block in blocks]
        times = self._rows.block_times(self._series, numbers)
        columns = self._rows.block_columns(self._series, self._column, numbers)
        is_source = self._span.timebase == "source"
        return [
            FieldValuesPart(one.at(of_block[is_source]), one.at(of_block[0]), one.values)
            for of_block, one in zip(times, columns, strict=True)
        ]

    def _inside(self, part: FieldValuesPart) -> FieldValuesPart:
        """The values in the span, in its direction."""
        mask = self._span.mask(part)
        if not mask.all():
            part = part.select(mask)
        return self._in_order(part, reverse=self._span.reverse)

    def _in_order(self, part: FieldValuesPart, *, reverse: bool) -> FieldValuesPart:
        if not bool((part.times[1:] >= part.times[:-1]).all()):
            part = part.select(np.lexsort((part.arrivals, part.times)))
        return part.select(slice(None, None, -1)) if reverse else part

    def _merge(self, parts: Sequence[FieldValuesPart]) -> FieldValuesPart:
        known = [part for part in parts if len(part.times)]
        if len(known) < 2:
            return known[0] if known else parts[0]
        joined = FieldValuesPart(*(np.concatenate(columns) for columns in zip(*known, strict=True)))
        order = np.lexsort((joined.arrivals, joined.times))
        return joined.select(order[::-1] if self._span.reverse else order)

    def _ready(self, waiting: FieldValuesPart, block: ScanBlock) -> int:
        """How many of the waiting values precede all of a block."""
        if self._span.reverse:
            return int(np.searchsorted(~waiting.times, ~block.last, "left"))
        return int(np.searchsorted(waiting.times, block.first, "left"))


def _as_block(tail: FieldValuesPart) -> Iterator[ScanBlock]:
    """The events that are in no block, as one that is hot."""
    if len(tail.times):
        first, last = int(tail.times.min()), int(tail.times.max())
        yield ScanBlock(first, last, (), column_zone(tail.values, is_text=False), Heat.HOT)


def _by_first(block: ScanBlock) -> tuple[int, tuple[BlockId, ...]]:
    return block.first, block.blocks


def _joined_spans(blocks: Sequence[ScanBlock], rule: ColdRule) -> list[tuple[int, int]]:
    """The times of the blocks beside which cold ones are read, as spans that do not overlap."""
    heats = {Heat.HOT, Heat.BESIDE} if rule.keeps_beside else {Heat.HOT}
    spans: list[tuple[int, int]] = []
    for block in sorted(blocks, key=_by_first):
        if block.heat not in heats:
            continue
        if spans and block.first <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], block.last)
        else:
            spans.append((block.first, block.last))
    return spans


def _touches(block: ScanBlock, spans: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(spans, (block.last, 2**64)) - 1
    return place >= 0 and spans[place][1] >= block.first


def _groups(blocks: Sequence[ScanBlock], rule: ColdRule) -> tuple[list[ScanBlock], list[ScanBlock]]:
    """Cold blocks that overlap as one, and those groups of which the order matters."""
    alike: list[ScanBlock] = []
    others: list[ScanBlock] = []
    group: list[ScanBlock] = []
    for block in [*sorted(blocks, key=_by_first), None]:
        if group and (block is None or block.first > max(one.last for one in group)):
            last = max(one.last for one in group)
            members = tuple(one.blocks[0] for one in group)
            joined = group[0]._replace(last=last, blocks=members)
            is_alike = all(rule.is_alike(group[0].zone, one.zone) for one in group[1:])
            (alike if is_alike else others).append(joined)
            group = []
        if block is not None:
            group.append(block)
    return alike, others
