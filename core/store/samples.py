"""Samples: for each series and bucket of time how often a numeric field was told, and its least,
greatest and summed value; derived from the archive and kept beside it, in a database of its own.

Buckets are those of rollups. All fields of a series share a row, and a series has rows from the
level on that suits its rate. Keys, and their values as MessagePack:

state                                                     origin and cursor
series/ + series (4)                                      what is known of a series
row/ + series (4) + timebase (s or c) + level (1) + time (8)   a row, column by column
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from core.errors import DerivedDamagedError
from core.ordering import Timebase
from core.store.derived import DerivedStore
from core.store.keys import TIMEBASE_BYTES, series_bytes
from core.store.rollup import COARSEST_LEVEL, bucket_time
from core.store.scan import Row as StoredRow

SAMPLES_FOLDER = "samples"
LAYOUT = 2

FIELDS_MAX = 256
"""Further fields of a series are not sampled."""

LEVEL_STEP = 3
LEAST_LEVEL = 24
"""2^24 ns are 17 ms."""

_SERIES_PREFIX = b"series/"
_ROW_PREFIX = b"row/"


class Row(msgspec.Struct, array_like=True):
    """A series' fields in one bucket, in columns: their numbers, and for each how often it was
    told, and the sum, the least and the greatest of its values.
    """

    fields: tuple[int, ...]
    counts: Sequence[int]
    sums: Sequence[float]
    least: Sequence[float]
    greatest: Sequence[float]


class SampledSeries(msgspec.Struct, array_like=True):
    """One series: its events so far, the names of its fields by their numbers, the level its rows
    begin with and the newest time that they hold, as in keys, by timebase.

    There are no rows before `finest` is known.
    """

    events: int = 0
    fields: list[str] = msgspec.field(default_factory=list)
    finest: dict[Timebase, int] = msgspec.field(default_factory=dict)
    newest: dict[Timebase, int] = msgspec.field(default_factory=dict)


_series = msgspec.msgpack.Decoder(SampledSeries)
_rows = msgspec.msgpack.Decoder(Row)
_encode = msgspec.msgpack.Encoder().encode


def levels_from(finest: int) -> range:
    """The levels of a series whose rows begin with this one."""
    return range(finest, COARSEST_LEVEL + 1, LEVEL_STEP)


def stored_level(level: int, finest: int) -> int:
    """The level whose rows make up the buckets of a level that is not below the finest."""
    levels = levels_from(finest)
    return levels[min((level - finest) // LEVEL_STEP, len(levels) - 1)]


def series_record_key(number: int) -> bytes:
    """The key of what is known of a series."""
    return _SERIES_PREFIX + series_bytes(number)


def row_head(number: int, timebase: Timebase, level: int) -> bytes:
    """What the keys of a series' rows of a level begin with."""
    return _ROW_PREFIX + series_bytes(number) + TIMEBASE_BYTES[timebase] + bytes((level,))


def encode_row(row: Row) -> bytes:
    """A row as stored."""
    return _encode(row)


def decode_row(value: bytes) -> Row:
    """A row as read; raises DerivedDamagedError where it is none."""
    try:
        return _rows.decode(value)
    except msgspec.DecodeError as error:
        raise DerivedDamagedError(f"the samples hold a row that is none: {error}") from error


class SampleStore(DerivedStore):
    """The database of samples, opened by the sampler to write or by a reader to follow."""

    FOLDER = SAMPLES_FOLDER
    WHAT = "samples"
    LAYOUT = LAYOUT

    def series(self, number: int) -> SampledSeries | None:
        """What is known of a series."""
        value = self.get(series_record_key(number))
        try:
            return None if value is None else _series.decode(value)
        except msgspec.DecodeError as error:
            raise DerivedDamagedError(f"the samples hold no series {number}") from error

    def rows(
        self, head: bytes, level: int, first: int, stop: int, max_rows: int
    ) -> list[StoredRow]:
        """Rows from a bucket up to another, which is left out; at most so many."""
        lower, upper = head + bucket_time(first, level), head + bucket_time(stop - 1, level)
        return list(islice(self.scan(lower, upper, want=max_rows), max_rows))


def encode_series(series: SampledSeries) -> bytes:
    """What is known of a series, as stored."""
    return _encode(series)
