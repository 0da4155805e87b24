"""The derived database of checkpoints: states of views at chosen positions.

The updates of a series, in the order of a timebase, are cut into segments. A row is the state of
one manifestVersion strictly before the first position of a segment; each version that the segment
updates has one. In source time a segment begins at each whole hour that has an update (that row is
the hour's checkpoint) and within an hour after SEGMENT_EVENTS updates; in canonical time after
SEGMENT_EVENTS updates. So the number of updates to fold is bounded however fast a view is.

A position is time (8) · first half of the eventId (16), zeros in canonical time and at the start of
an hour. Keys, and their values as MessagePack:

state                                                       origin and cursor
series/ + series (4)                                        how far each timebase is folded
row/ + timebase (s or c) + series (4) + position (24) + version   data as JSON, times of its keys
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from nova.core.errors import DerivedDamagedError
from nova.core.ordering import TIME_BYTES, Timebase, time_key, time_of
from nova.core.store.derived_database import DerivedDatabase
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import ID_HEAD_BYTES, TIMEBASE_BYTES, series_bytes
from nova.sdk.timestamps import NS_MIN, NS_PER_SECOND

CHECKPOINTS_FOLDER = "checkpoints"
LAYOUT = 1
HOUR_NS = 3_600 * NS_PER_SECOND
SEGMENT_EVENTS = 32
"""Least updates in a segment of a fast view; their bytes are also at least those of the states at
its start.
"""

VERSIONS_MAX = 32
"""Versions of a view that are kept by name; any other is looked up."""

NO_ID = bytes(ID_HEAD_BYTES)
LAST_ID = b"\xff" * ID_HEAD_BYTES
POSITION_BYTES = TIME_BYTES + ID_HEAD_BYTES
BEFORE_ALL = b""
AFTER_ALL = b"\xff" * POSITION_BYTES
_SERIES_PREFIX = b"series/"
_ROW_PREFIX = b"row/"
_HEAD_BYTES = len(_ROW_PREFIX) + 1 + 4
_AFTER_VERSIONS = b"\xff"


class FoldProgress(msgspec.Struct, array_like=True):
    """How far a series is folded in one timebase: up to the position `frontier` of its last update,
    including every event received up to canonical time `included_ns`.
    """

    frontier: bytes = BEFORE_ALL
    included_ns: int = NS_MIN
    versions: list[str] = msgspec.field(default_factory=list)


class SeriesFold(msgspec.Struct, array_like=True):
    """`FoldProgress` in both timebases."""

    source: FoldProgress = msgspec.field(default_factory=FoldProgress)
    canonical: FoldProgress = msgspec.field(default_factory=FoldProgress)

    def in_timebase(self, timebase: Timebase) -> FoldProgress:
        return self.source if timebase == "source" else self.canonical


class ViewState(msgspec.Struct, array_like=True):
    """The state of a view: its values as JSON, and the time in ns of each one's last update."""

    data: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)
    times: dict[str, int] = msgspec.field(default_factory=dict)

    def apply(self, data: dict[str, msgspec.Raw], time_ns: int) -> None:
        """Apply an update: it replaces the keys that it holds and leaves the others."""
        self.data.update(data)
        self.times.update(dict.fromkeys(data, time_ns))

    def copy(self) -> ViewState:
        """An independent copy."""
        return ViewState(dict(self.data), dict(self.times))


class Checkpoint(NamedTuple):
    """The state of one version strictly before a position."""

    position: bytes
    version: str
    value: bytes

    def state(self) -> ViewState:
        """Raises DerivedDamagedError if the row cannot be decoded."""
        try:
            data, times = _row_decoder.decode(self.value)
            return ViewState(_data_decoder.decode(data), times)
        except msgspec.DecodeError as error:
            raise DerivedDamagedError(f"a checkpoint cannot be decoded: {error}") from error


_series_decoder = msgspec.msgpack.Decoder(SeriesFold)
_row_decoder = msgspec.msgpack.Decoder(tuple[bytes, dict[str, int]])
_data_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.msgpack.Encoder().encode
_encode_json = msgspec.json.Encoder().encode


def position_at(time_ns: int, id_head: bytes = NO_ID) -> bytes:
    """A position. By default it sorts before every event of that time in source time; in canonical
    time it is the position of the event there.
    """
    return time_key(time_ns) + id_head


def position_before(position: bytes) -> bytes:
    """The position immediately before another."""
    return (int.from_bytes(position, "big") - 1).to_bytes(POSITION_BYTES, "big")


def position_time(position: bytes) -> int:
    """In ns since 1970."""
    return time_of(position)


def hour_start(time_ns: int) -> int:
    """The start in ns of the whole hour that contains a time."""
    return max(NS_MIN, time_ns // HOUR_NS * HOUR_NS)


def encode_data(state: ViewState) -> bytes:
    """The values of a state as a JSON object."""
    return _encode_json(state.data)


def checkpoint_row(
    timebase: Timebase, number: int, position: bytes, version: str, state: ViewState
) -> KeyValue:
    value = _encode((encode_data(state), state.times))
    return _head(timebase, number) + position + version.encode(), value


def series_row(number: int, folded: SeriesFold) -> KeyValue:
    return _series_key(number), _encode(folded)


class CheckpointStore(DerivedDatabase):
    """The derived database of checkpoints."""

    FOLDER = CHECKPOINTS_FOLDER
    CONTENT = "checkpoints"
    LAYOUT = LAYOUT

    def series(self, number: int) -> SeriesFold | None:
        value = self.get(_series_key(number))
        try:
            return None if value is None else _series_decoder.decode(value)
        except msgspec.DecodeError as error:
            raise DerivedDamagedError(
                f"the checkpoints' record of series {number} cannot be decoded: {error}"
            ) from error

    def at_or_before(
        self, timebase: Timebase, number: int, position: bytes
    ) -> Iterator[Checkpoint]:
        """The checkpoints of a series at or before a position, latest first."""
        head = _head(timebase, number)
        upper = head + position + _AFTER_VERSIONS
        for key, value in self.scan(head, upper, reverse=True):
            position = key[_HEAD_BYTES : _HEAD_BYTES + POSITION_BYTES]
            version = key[_HEAD_BYTES + POSITION_BYTES :].decode()
            yield Checkpoint(position, version, value)

    def delete_from(self, timebase: Timebase, number: int, position: bytes) -> None:
        """Remove the checkpoints of a series at and after a position."""
        head = _head(timebase, number)
        self.delete_range(head + position, head + AFTER_ALL + _AFTER_VERSIONS)

    def delete_before(self, timebase: Timebase, number: int, position: bytes) -> None:
        """Remove the checkpoints of a series before a position."""
        head = _head(timebase, number)
        self.delete_range(head, head + position)


def _series_key(number: int) -> bytes:
    return _SERIES_PREFIX + series_bytes(number)


def _head(timebase: Timebase, number: int) -> bytes:
    return _ROW_PREFIX + TIMEBASE_BYTES[timebase] + series_bytes(number)
