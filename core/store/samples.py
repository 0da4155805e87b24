"""Samples: for each series and bucket of time how often a numeric field was told, and its least,
greatest and summed value; derived from the archive and kept beside it, in a database of its own.

Buckets are those of rollups. All fields of a series share a row, and a series has rows from the
level on that suits its rate. Keys, and their values as MessagePack:

state                                                     origin and cursor
series/ + series (4)                                      what is known of a series
row/ + series (4) + timebase (s or c) + level (1) + time (8)   a row, column by column
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import msgspec
from rocksdict import AccessType, Rdict, WriteBatch

from core.errors import ArchiveError
from core.ordering import TIME_BYTES, Timebase
from core.store.keys import series_bytes
from core.store.options import sample_options
from core.store.rollup import COARSEST_LEVEL, bucket_time
from core.store.scan import Row as StoredRow
from core.store.scan import scan

SAMPLES_FOLDER = "samples"
LAYOUT = 2

FIELDS_MAX = 256
"""Further fields of a series are not sampled."""

LEVEL_STEP = 3
LEAST_LEVEL = 24
"""2^24 ns are 17 ms."""

STATE_KEY = b"state"
_SERIES_PREFIX = b"series/"
_ROW_PREFIX = b"row/"
_TIMEBASES: dict[Timebase, bytes] = {"source": b"s", "canonical": b"c"}


class Row(msgspec.Struct, array_like=True):
    """A series' fields in one bucket, in columns: their numbers, and for each how often it was
    told, and the sum, the least and the greatest of its values.
    """

    fields: tuple[int, ...]
    counts: Sequence[int]
    sums: Sequence[float]
    least: Sequence[float]
    greatest: Sequence[float]


class State(msgspec.Struct, array_like=True):
    """What was sampled: everything up to a canonical time in ns, of the archive whose first event
    has the place `origin`; `newest` is the place of the last event, empty before there was one.
    """

    layout: int
    origin: bytes
    cursor_ns: int
    newest: bytes = b""


class SampledSeries(msgspec.Struct, array_like=True):
    """One series: its events so far, the names of its fields by their numbers, the level its rows
    begin with and the newest time that they hold, as in keys, by timebase.

    There are no rows before `finest` is known.
    """

    events: int = 0
    fields: list[str] = msgspec.field(default_factory=list)
    finest: dict[Timebase, int] = msgspec.field(default_factory=dict)
    newest: dict[Timebase, int] = msgspec.field(default_factory=dict)


_states = msgspec.msgpack.Decoder(State)
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
    return _ROW_PREFIX + series_bytes(number) + _TIMEBASES[timebase] + bytes((level,))


def encode_row(row: Row) -> bytes:
    """A row as stored."""
    return _encode(row)


def decode_row(value: bytes) -> Row:
    """A row as read."""
    return _rows.decode(value)


class SampleStore:
    """The database of samples, opened by the sampler to write or by a reader to follow."""

    def __init__(self, database: Rdict, path: Path) -> None:
        self._database = database
        self._identity = _identity(path)

    @classmethod
    def open_primary(cls, data: Path) -> SampleStore:
        """Open for writing, made anew if it is not there or cannot be read."""
        path = data / SAMPLES_FOLDER
        try:
            return cls._open(path, AccessType.read_write())
        except ArchiveError as error:
            if "/LOCK" in str(error):
                raise
            shutil.rmtree(path, ignore_errors=True)
            return cls._open(path, AccessType.read_write())

    @classmethod
    def open_secondary(cls, data: Path, scratch: Path) -> SampleStore | None:
        """Open a following view, None where there are no samples yet."""
        path = data / SAMPLES_FOLDER
        if not (path / "CURRENT").exists():
            return None
        return cls._open(path, AccessType.secondary(str(scratch)))

    @classmethod
    def _open(cls, path: Path, access: AccessType) -> SampleStore:
        try:
            return cls(Rdict(str(path), sample_options(), access_type=access), path)
        except Exception as error:
            raise ArchiveError(f"cannot open the samples in {path}: {error}") from error

    def is_of(self, data: Path) -> bool:
        """Whether a folder still holds this database, and not one that was made anew."""
        return self._identity == _identity(data / SAMPLES_FOLDER)

    def catch_up(self) -> None:
        """Let a secondary see all that the sampler has written by now; raises ArchiveError."""
        try:
            self._database.try_catch_up_with_primary()
        except Exception as error:
            raise ArchiveError(f"cannot follow the samples: {error}") from error

    def get(self, key: bytes) -> bytes | None:
        """One value, or None; raises ArchiveError where it cannot be read."""
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, None where there is none; raises ArchiveError where one cannot be
        read.
        """
        if not keys:
            return []
        try:
            values = self._database.get(list(keys))
        except Exception as error:
            raise ArchiveError(f"the samples cannot be read: {error}") from error
        return [] if values is None else list(values)

    def state(self) -> State | None:
        """What was sampled, None if nothing was or by another version."""
        value = self.get(STATE_KEY)
        if value is None:
            return None
        try:
            state = _states.decode(value)
        except msgspec.DecodeError:
            return None
        return state if state.layout == LAYOUT else None

    def series(self, number: int) -> SampledSeries | None:
        """What is known of a series."""
        value = self.get(series_record_key(number))
        return None if value is None else _series.decode(value)

    def rows(
        self, head: bytes, level: int, first: int, stop: int, max_rows: int
    ) -> list[StoredRow]:
        """Rows from a bucket up to another, which is left out; at most so many."""
        lower, upper = head + bucket_time(first, level), head + bucket_time(stop - 1, level)
        return list(islice(scan(self._database, lower, upper, want=max_rows), max_rows))

    def everything(self) -> list[StoredRow]:
        """All rows; for tests."""
        return list(scan(self._database, b"", b"\xff" * TIME_BYTES))

    def write(self, rows: Iterable[StoredRow]) -> None:
        """Set rows atomically."""
        batch = WriteBatch(raw_mode=True)
        for key, value in rows:
            batch.put(key, value)
        self._database.write(batch)

    def clear(self) -> None:
        """Forget everything."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(b"", b"\xff" * TIME_BYTES)
        self._database.write(batch)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


def _identity(path: Path) -> bytes:
    """What RocksDB calls a database, given when it is made; nothing where there is none."""
    try:
        return (path / "IDENTITY").read_bytes()
    except FileNotFoundError:
        return b""


def encode_state(state: State) -> bytes:
    """What was sampled, as stored."""
    return _encode(state)


def encode_series(series: SampledSeries) -> bytes:
    """What is known of a series, as stored."""
    return _encode(series)
