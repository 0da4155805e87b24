"""What is known of a block without reading its values: its zone. It has the bounds of its times,
and of each column count, least, greatest, first and last value and sum; of an enumerated field also
which texts occur. So a reader passes over blocks that cannot hold what it wants.

A summary has nothing but its zone, which also aggregates its events by time buckets (cells), as
narrow as `cells_max` occupied ones allow.
"""

from __future__ import annotations

import msgspec
import numpy as np

from nova.core.errors import DerivedDamagedError
from nova.core.ordering import Timebase
from nova.core.store.column import ColumnBlock
from nova.core.store.column_codec import (
    Integers,
    Numbers,
    decode_integers,
    decode_numbers,
    encode_integers,
    encode_numbers,
)

Span = tuple[int, int]


class CellTimes(msgspec.Struct, array_like=True):
    """The occupied buckets of one timebase: level as in rollups, bucket numbers, events in each."""

    level: int
    buckets: bytes
    counts: bytes


class CellValues(msgspec.Struct, array_like=True):
    """A column's count, sum, least and greatest value in each cell, in the order of `buckets`."""

    counts: bytes
    totals: bytes
    least: bytes
    greatest: bytes


class TimesZone(msgspec.Struct, array_like=True):
    """The events of a block, and the first and the last of their times in ns."""

    events: int
    canonical: Span = (0, -1)
    source: Span = (0, -1)
    cells: dict[Timebase, CellTimes] = msgspec.field(default_factory=dict)

    def span(self, timebase: Timebase) -> Span:
        """Ends before it starts if there are no events."""
        return self.source if timebase == "source" else self.canonical


class ColumnZone(msgspec.Struct, array_like=True):
    """A column's values in a block. `least` to `total` leave NaN out, `first` and `last` do not.
    `texts` are the positions of the texts of an enumerated field that occur, a byte each.
    """

    count: int
    least: float
    greatest: float
    first: float
    last: float
    total: float
    texts: bytes = b""
    cells: dict[Timebase, CellValues] = msgspec.field(default_factory=dict)


class Cells(msgspec.Struct):
    """Decoded cells of one column."""

    counts: Integers
    totals: Numbers
    least: Numbers
    greatest: Numbers


_times_decoder = msgspec.msgpack.Decoder(TimesZone)
_column_decoder = msgspec.msgpack.Decoder(ColumnZone)
encode_zone = msgspec.msgpack.Encoder().encode


def decode_times_zone(value: bytes) -> TimesZone:
    """Raises DerivedDamagedError."""
    try:
        return _times_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise DerivedDamagedError(f"a zone of the samples cannot be decoded: {error}") from error


def decode_column_zone(value: bytes) -> ColumnZone:
    """Raises DerivedDamagedError."""
    try:
        return _column_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise DerivedDamagedError(f"a zone of the samples cannot be decoded: {error}") from error


def times_zone(block: ColumnBlock) -> TimesZone:
    """The zone of a block's times, without cells."""
    if not len(block):
        return TimesZone(0)
    return TimesZone(len(block), span_of(block.canonical), span_of(block.source))


def span_of(times: Integers) -> Span:
    return int(times.min()), int(times.max())


def column_zone(values: Numbers, *, is_text: bool) -> ColumnZone:
    """The zone of a column's values, at least one, without cells."""
    known = values[~np.isnan(values)]
    if not len(known):
        known = np.array([np.nan])
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(known.sum())
    return ColumnZone(
        len(values),
        float(known.min()),
        float(known.max()),
        float(values[0]),
        float(values[-1]),
        total,
        np.unique(values).astype(np.uint8).tobytes() if is_text else b"",
    )


def join_zones(zones: list[ColumnZone]) -> ColumnZone:
    """The zone of neighbouring blocks, without cells."""
    return ColumnZone(
        sum(zone.count for zone in zones),
        float(np.fmin.reduce([zone.least for zone in zones])),
        float(np.fmax.reduce([zone.greatest for zone in zones])),
        zones[0].first,
        zones[-1].last,
        sum(zone.total for zone in zones if not np.isnan(zone.total)),
        bytes(sorted({position for zone in zones for position in zone.texts})),
    )


def encode_cells(cells: Cells) -> CellValues:
    return CellValues(
        encode_integers(cells.counts),
        encode_numbers(cells.totals),
        encode_numbers(cells.least),
        encode_numbers(cells.greatest),
    )


def decode_cells(stored: CellValues) -> Cells:
    """Raises DerivedDamagedError."""
    return Cells(
        decode_integers(stored.counts),
        decode_numbers(stored.totals),
        decode_numbers(stored.least),
        decode_numbers(stored.greatest),
    )
