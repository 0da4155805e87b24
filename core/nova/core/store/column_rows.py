"""Zones and values of blocks as rows of the samples' database, and their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from nova.core.errors import DerivedDamagedError
from nova.core.ordering import Timebase
from nova.core.store.column import Column, ColumnBlock
from nova.core.store.column_codec import (
    Integers,
    decode_integers,
    decode_numbers,
    encode_numbers,
    encode_times,
)
from nova.core.store.column_tree import BlockId
from nova.core.store.column_zone import (
    ColumnZone,
    TimesZone,
    decode_column_zone,
    decode_times_zone,
)
from nova.core.store.keys import series_bytes

TIMES = 0
"""The column of an event's times."""

BOTH: tuple[Timebase, ...] = ("canonical", "source")

GetMany = Callable[[Sequence[bytes]], Sequence[bytes | None]]

_ZONE_PREFIX = b"zone/"
_VALUES_PREFIX = b"values/"


class StoredTimes(msgspec.Struct, array_like=True):
    canonical: bytes
    source: bytes


class StoredValues(msgspec.Struct, array_like=True):
    """A column of a block; `rows` is a bit per event, empty if each has a value."""

    values: bytes
    rows: bytes = b""


_times_decoder = msgspec.msgpack.Decoder(StoredTimes)
_values_decoder = msgspec.msgpack.Decoder(StoredValues)
_encode = msgspec.msgpack.Encoder().encode


def zone_key(series: int, column: int, block: BlockId) -> bytes:
    head = _ZONE_PREFIX + series_bytes(series) + column.to_bytes(2, "big")
    return head + bytes((block.level,)) + block.number.to_bytes(4, "big")


def values_key(series: int, column: int, number: int) -> bytes:
    head = _VALUES_PREFIX + series_bytes(series) + column.to_bytes(2, "big")
    return head + number.to_bytes(4, "big")


def encode_block_times(block: ColumnBlock) -> bytes:
    return _encode(StoredTimes(encode_times(block.canonical), encode_times(block.source)))


def encode_column(column: Column, events: int) -> bytes:
    rows = b""
    if column.rows is not None and len(column.rows) < events:
        has = np.zeros(events, np.uint8)
        has[column.rows] = 1
        rows = np.packbits(has).tobytes()
    return _encode(StoredValues(encode_numbers(column.values), rows))


def decode_block_times(value: bytes, timebases: Sequence[Timebase]) -> tuple[Integers, ...]:
    """The times in each of the timebases; raises DerivedDamagedError."""
    try:
        stored = _times_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise _damage(error) from error
    return tuple(
        decode_integers(stored.source if timebase == "source" else stored.canonical)
        for timebase in timebases
    )


def decode_column(value: bytes) -> Column:
    """Raises DerivedDamagedError."""
    try:
        stored = _values_decoder.decode(value)
    except msgspec.DecodeError as error:
        raise _damage(error) from error
    rows = None
    if stored.rows:
        rows = np.flatnonzero(np.unpackbits(np.frombuffer(stored.rows, np.uint8)))
    return Column(decode_numbers(stored.values), rows)


def _damage(error: Exception) -> DerivedDamagedError:
    return DerivedDamagedError(f"a block of the samples cannot be decoded: {error}")


class ColumnRows:
    """Reads the rows of columns by their keys; raises DerivedDamagedError if one is damaged."""

    def __init__(self, get_many: GetMany) -> None:
        self._get_many = get_many

    def times_zones(self, series: int, blocks: Sequence[BlockId]) -> list[TimesZone]:
        """The zones of blocks that exist."""
        found = self._get_many([zone_key(series, TIMES, block) for block in blocks])
        return [decode_times_zone(_require(value)) for value in found]

    def column_zones(
        self, series: int, column: int, blocks: Iterable[BlockId]
    ) -> list[ColumnZone | None]:
        """A column's zones; None where it has no values."""
        found = self._get_many([zone_key(series, column, block) for block in blocks])
        return [None if value is None else decode_column_zone(value) for value in found]

    def block_times(
        self, series: int, numbers: Sequence[int], timebases: Sequence[Timebase] = BOTH
    ) -> list[tuple[Integers, ...]]:
        """The times of blocks of level 0, which exist, in each of the timebases."""
        found = self._get_many([values_key(series, TIMES, number) for number in numbers])
        return [decode_block_times(_require(value), timebases) for value in found]

    def find_columns(self, series: int, column: int, numbers: Sequence[int]) -> list[Column | None]:
        """A column's values in blocks of level 0; None of a block without any."""
        found = self._get_many([values_key(series, column, number) for number in numbers])
        return [None if value is None else decode_column(value) for value in found]

    def block_columns(self, series: int, column: int, numbers: Sequence[int]) -> list[Column]:
        """A column's values in blocks of level 0 that have some."""
        found = self._get_many([values_key(series, column, number) for number in numbers])
        return [decode_column(_require(value)) for value in found]


def _require(value: bytes | None) -> bytes:
    if value is None:
        raise DerivedDamagedError("a block of the samples is missing")
    return value
