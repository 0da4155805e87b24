"""The derived database of samples: the fields of each series as columns, in blocks of events.

Which blocks there are depends only on the number of stored events (`column_tree.py`). A column has
a number from 1 on, in the order in which fields first occurred; 0 stands for the times. Keys:

state                                                              origin and cursor
series/ + series (4)                                               events and fields of a series
zone/ + series (4) + column (2) + level (1) + number (4)           a block's zone (`column_zone.py`)
values/ + series (4) + column (2) + number (4)                     values of a block of level 0
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from nova.core.errors import DerivedDamagedError
from nova.core.store.column_rows import ColumnRows
from nova.core.store.column_tree import BLOCK_SIZES, BlockSizes
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.keys import series_bytes
from nova.sdk.timestamps import NS_MIN

SAMPLES_FOLDER = "samples"
LAYOUT = 3

FIELDS_MAX = 256
"""Numeric fields that are stored of one series, and as many enumerated ones; further ones are not.
"""

_SERIES_PREFIX = b"series/"


TEXTS_MAX = 256
"""Different texts of an enumerated field. A field with more is free text and not stored."""

TEXT_MAX_CHARS = 256


class FieldColumn(NamedTuple):
    """A field by its path: its numbers and booleans, or its texts."""

    path: str
    is_text: bool


class SampledSeries(msgspec.Struct, array_like=True):
    """One series: the units of events in its blocks, the canonical time in ns of the last of them,
    and its columns by number, from 1 on. `texts` of columns are in the order of their positions,
    and None if they are too many; `booleans` are the columns with no other values.
    """

    units: int = 0
    until_ns: int = NS_MIN
    columns: list[FieldColumn] = msgspec.field(default_factory=list)
    texts: dict[int, list[str] | None] = msgspec.field(default_factory=dict)
    booleans: list[int] = msgspec.field(default_factory=list)
    sizes: BlockSizes = BLOCK_SIZES

    def number_of(self, path: str, *, is_text: bool = False) -> int | None:
        """The number of a field's column, if it has one."""
        column = FieldColumn(path, is_text)
        return self.columns.index(column) + 1 if column in self.columns else None

    @property
    def column_numbers(self) -> range:
        return range(1, len(self.columns) + 1)

    def is_text(self, number: int) -> bool:
        return self.columns[number - 1].is_text


_series_decoder = msgspec.msgpack.Decoder(SampledSeries)
_encode = msgspec.msgpack.Encoder().encode


def series_record_key(number: int) -> bytes:
    return _SERIES_PREFIX + series_bytes(number)


def encode_series(series: SampledSeries) -> bytes:
    return _encode(series)


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

    @property
    def columns(self) -> ColumnRows:
        return ColumnRows(self.get_many)
