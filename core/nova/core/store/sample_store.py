"""The derived database of samples: count, sum, min and max of each numeric field of a series, per
time bucket.

Buckets are those of rollups. All fields of a series share a row, and the finest level of a series
depends on its rate. Keys, and their values as MessagePack:

state                                                     origin and cursor
series/ + series (4)                                      events, fields and levels of a series
row/ + series (4) + timebase (s or c) + level (1) + time (8)   a row, column by column
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from nova.core.errors import DerivedDamagedError
from nova.core.ordering import Timebase
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.key_value import KeyValue as StoredRow
from nova.core.store.keys import TIMEBASE_BYTES, series_bytes
from nova.core.store.rollup import COARSEST_LEVEL, bucket_time

SAMPLES_FOLDER = "samples"
LAYOUT = 2

FIELDS_MAX = 256
"""Fields that are sampled of one series; further ones are ignored."""

LEVEL_STEP = 3
FINEST_SAMPLE_LEVEL = 24
"""2^24 ns are 17 ms."""

_SERIES_PREFIX = b"series/"
_ROW_PREFIX = b"row/"


class SampleRow(msgspec.Struct, array_like=True):
    """A series' fields in one bucket, as columns: field numbers, and for each field the count, sum,
    min and max of its values.
    """

    fields: tuple[int, ...]
    counts: Sequence[int]
    sums: Sequence[float]
    least: Sequence[float]
    greatest: Sequence[float]


class SampledSeries(msgspec.Struct, array_like=True):
    """One series: its number of events, its field names by field number, and by timebase the level
    of its finest rows and the newest time in them (unsigned, as in keys).

    A series has no rows before `finest` is set.
    """

    events: int = 0
    fields: list[str] = msgspec.field(default_factory=list)
    finest: dict[Timebase, int] = msgspec.field(default_factory=dict)
    newest: dict[Timebase, int] = msgspec.field(default_factory=dict)


_series_decoder = msgspec.msgpack.Decoder(SampledSeries)
_row_decoder = msgspec.msgpack.Decoder(SampleRow)
_encode = msgspec.msgpack.Encoder().encode


def levels_from(finest: int) -> range:
    """The stored levels of a series whose finest level is `finest`."""
    return range(finest, COARSEST_LEVEL + 1, LEVEL_STEP)


def stored_level(level: int, finest: int) -> int:
    """The coarsest stored level whose buckets add up to those of `level` (at least `finest`)."""
    levels = levels_from(finest)
    return levels[min((level - finest) // LEVEL_STEP, len(levels) - 1)]


def series_record_key(number: int) -> bytes:
    return _SERIES_PREFIX + series_bytes(number)


def row_head(number: int, timebase: Timebase, level: int) -> bytes:
    """The key prefix of a series' rows of a level."""
    return _ROW_PREFIX + series_bytes(number) + TIMEBASE_BYTES[timebase] + bytes((level,))


def encode_row(row: SampleRow) -> bytes:
    return _encode(row)


def decode_row(value: bytes) -> SampleRow:
    """Raises DerivedDamagedError."""
    try:
        return _row_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise DerivedDamagedError(f"a row of the samples cannot be decoded: {error}") from error


class SampleStore(DerivedDatabase):
    """The derived database of samples."""

    FOLDER = SAMPLES_FOLDER
    CONTENT = "samples"
    LAYOUT = LAYOUT

    def series(self, number: int) -> SampledSeries | None:
        value = self.get(series_record_key(number))
        try:
            return None if value is None else _series_decoder.decode(value)
        except msgspec.DecodeError as error:
            raise DerivedDamagedError(
                f"the samples' record of series {number} cannot be decoded: {error}"
            ) from error

    def rows(
        self, head: bytes, level: int, first: int, stop: int, max_rows: int
    ) -> list[StoredRow]:
        """At most `max_rows` rows whose buckets are in [first, stop)."""
        lower, upper = head + bucket_time(first, level), head + bucket_time(stop - 1, level)
        return list(islice(self.scan(lower, upper, expected_rows=max_rows), max_rows))


def encode_series(series: SampledSeries) -> bytes:
    return _encode(series)
