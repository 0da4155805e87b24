"""Scans one field of a series in the order of a timebase, and leaves out blocks by their zones.

Events at the same source time are in the order of their arrival. Blocks are in the order of
arrival, so that the source times of neighbours may overlap: their values are merged.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple, Protocol

import numpy as np

from nova.core.ordering import Timebase
from nova.core.query.field_values import (
    MERGED_MAX_VALUES,
    FieldValuesPart,
    Position,
    Waiting,
    in_order,
)
from nova.core.store.column import Mask
from nova.core.store.column_rows import BOTH, ColumnRows
from nova.core.store.column_tree import BlockId, children, roots
from nova.core.store.column_zone import ColumnZone, TimesZone, column_zone
from nova.core.store.sample_store import SampledSeries

READ_MAX_BLOCKS = 16


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

    def constant(self, zone: ColumnZone) -> float | None:
        """The value that all of a cold block have, if the finder has to know it."""


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
        waiting = Waiting(self._span.reverse, merged_max)
        for index, block in enumerate(blocks):
            if block.is_cold or waiting.is_full:
                yield from waiting.before(block.last if self._span.reverse else block.first)
            if not block.is_cold:
                waiting.add(loaded(index))
            elif (value := rule.constant(block.zone)) is None:
                yield block
            else:
                time, arrival = self._first_of(block.blocks)
                at = np.array([time], np.int64), np.array([arrival], np.int64)
                waiting.add(FieldValuesPart(*at, np.array([value])))
        yield from waiting.before(None)

    def _first_of(self, blocks: Sequence[BlockId]) -> Position:
        """The position of the earliest value of cold blocks, which are in the span as a whole."""
        best: Position | None = None
        found = sorted(self._zoned(blocks, None), key=_by_first)
        for one in found:
            if best is not None and one.first > best[0]:
                break
            (block,) = one.blocks
            if block.level:
                first = self._first_of(children(block, self._sizes))
            else:
                first = in_order(self._read([block])[0], reverse=False).position(0)
            best = first if best is None else min(best, first)
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
        """Blocks in order, of which no cold one overlaps a hot one, or a cold one of other values:
        those that do are read.
        """
        while True:
            hot = _joined_spans(blocks)
            clashing = _clashing([one for one in blocks if one.heat is not Heat.HOT], rule)
            beside = {one.blocks for one in blocks if one.is_cold and _touches(one, hot)} | clashing
            if not beside:
                return _grouped(sorted(blocks, key=_by_first), rule)
            kept = [one for one in blocks if not (one.is_cold and one.blocks in beside)]
            for one in blocks:
                if one.is_cold and one.blocks in beside:
                    if one.blocks[0].level:
                        kept += self._zoned(children(one.blocks[0], self._sizes), None)
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
                for place, part in zip(wanted, found, strict=True):
                    ahead[place] = self._inside(part, blocks[place])
            return ahead.pop(index)

        return load

    def _read(self, blocks: Sequence[BlockId]) -> list[FieldValuesPart]:
        numbers = [block.number for block in blocks]
        columns = self._rows.block_columns(self._series, self._column, numbers)
        bases = BOTH if self._span.timebase == "source" else BOTH[:1]
        times = self._rows.block_times(self._series, numbers, bases)
        return [
            FieldValuesPart(one.at(of_block[-1]), one.at(of_block[0]), one.values)
            for of_block, one in zip(times, columns, strict=True)
        ]

    def _inside(self, part: FieldValuesPart, block: ScanBlock | None = None) -> FieldValuesPart:
        """The values in the span, in its direction."""
        start, stop = self._span.bounds()
        is_whole = block is not None and start < block.first and block.last < stop
        if not is_whole:
            part = part.select(self._span.mask(part))
        return in_order(part, reverse=self._span.reverse)


def _as_block(tail: FieldValuesPart) -> Iterator[ScanBlock]:
    """The events that are in no block, as one that is hot."""
    if len(tail.times):
        first, last = int(tail.times.min()), int(tail.times.max())
        yield ScanBlock(first, last, (), column_zone(tail.values, is_text=False), Heat.HOT)


def _by_first(block: ScanBlock) -> tuple[int, tuple[BlockId, ...]]:
    return block.first, block.blocks


def _joined_spans(blocks: Sequence[ScanBlock]) -> list[tuple[int, int]]:
    """The times of hot blocks as spans that do not overlap."""
    spans: list[tuple[int, int]] = []
    for block in sorted((one for one in blocks if one.heat is Heat.HOT), key=_by_first):
        if spans and block.first <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], block.last)
        else:
            spans.append((block.first, block.last))
    return spans


def _touches(block: ScanBlock, spans: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(spans, (block.last, 2**64)) - 1
    return place >= 0 and spans[place][1] >= block.first


def _clashing(blocks: Sequence[ScanBlock], rule: ColdRule) -> set[tuple[BlockId, ...]]:
    """The cold blocks that overlap one of another constant."""
    by_constant: dict[float | None, list[ScanBlock]] = {}
    for block in blocks:
        by_constant.setdefault(rule.constant(block.zone), []).append(block)
    if len(by_constant) < 2:
        return set()
    every = _Overlaps(blocks)
    return {
        block.blocks
        for alike in by_constant.values()
        for own in (_Overlaps(alike),)
        for block in alike
        if block.is_cold and every.count(block) > own.count(block)
    }


class _Overlaps:
    """Counts the blocks that overlap another."""

    def __init__(self, blocks: Sequence[ScanBlock]) -> None:
        self._firsts = sorted(block.first for block in blocks)
        self._lasts = sorted(block.last for block in blocks)

    def count(self, block: ScanBlock) -> int:
        return bisect_right(self._firsts, block.last) - bisect_left(self._lasts, block.first)


def _grouped(blocks: Sequence[ScanBlock], rule: ColdRule) -> list[ScanBlock]:
    """Neighbouring cold blocks of the same constant as one."""
    groups: list[ScanBlock] = []
    for block in blocks:
        last = groups[-1] if groups else None
        if (
            last is not None
            and last.is_cold
            and block.is_cold
            and rule.constant(last.zone) == rule.constant(block.zone)
        ):
            members = last.blocks + block.blocks
            groups[-1] = last._replace(last=max(last.last, block.last), blocks=members)
        else:
            groups.append(block)
    return groups
