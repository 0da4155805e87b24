"""An entity's JSON at any time: encoded once, but for the last times of its series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from nova.core.store.keys import series_bytes
from nova.core.store.series_reader import LastTime
from nova.sdk import timestamps
from nova.sdk.protocol.messages import EntityInfo, SeriesInfo
from nova.sdk.timestamps import NS_MAX, NS_MIN

encode = msgspec.json.Encoder().encode

NO_SERIES = b'"series":[]'


class SeriesExtent(NamedTuple):
    """First and last time of a series in ns, and its description from the last time on."""

    first_ns: int
    last_ns: int
    info: SeriesInfo


class _SeriesPart(NamedTuple):
    """A series of an entity; `head` is its JSON up to the last time."""

    series: bytes
    first_ns: int
    last_ns: int
    head: bytes
    encoded: bytes


class _EntityPieces(NamedTuple):
    """The JSON between two times: it is the same but for the last times of `sought` series, which
    are between the pieces. `pieces`: empty if the entity is not listed.
    """

    from_ns: int
    until_ns: int
    pieces: list[bytes]
    sought: list[bytes]


class EntityTemplate:
    """An entity from `from_ns` on, while its series get no events."""

    __slots__ = ("_after", "_before", "_current", "_parts", "from_ns")

    def __init__(
        self, from_ns: int, entity: EntityInfo, series: Sequence[tuple[int, SeriesExtent]]
    ) -> None:
        """`series` are the numbers and extents of all series that the entity has at any time, in
        order. Its descriptor is in effect from `from_ns` on.
        """
        self.from_ns = from_ns
        bare = replace(entity, series=[])
        self._before, self._after = encode(bare).split(NO_SERIES, 1)
        self._parts = [_part(number, extent) for number, extent in series]
        self._current = _EntityPieces(NS_MAX, NS_MIN, [], [])

    def sought_at(self, time_ns: int) -> list[bytes]:
        """The series whose last times `encoded_at` looks up at a time, by their bytes."""
        return self._pieces_at(time_ns).sought

    def encoded_at(self, time_ns: int, last_time: LastTime) -> bytes | None:
        """The JSON at a time from `from_ns` on, empty without a series that had an event by then.
        `last_time` finds the last times up to then; None if it does not find one.
        """
        _, _, pieces, sought = self._pieces_at(time_ns)
        if not sought:
            return b"".join(pieces)
        found: list[bytes] = []
        for piece, series in zip(pieces, sought, strict=False):
            last_ns = last_time(series)
            if last_ns is None:
                return None
            found += piece, timestamps.text(last_ns).encode()
        found.append(pieces[-1])
        return b"".join(found)

    def _pieces_at(self, time_ns: int) -> _EntityPieces:
        current = self._current
        if not current.from_ns <= time_ns < current.until_ns:
            current = self._current = self._new_pieces(time_ns)
        return current

    def _new_pieces(self, time_ns: int) -> _EntityPieces:
        ends = [end for part in self._parts for end in (part.first_ns, part.last_ns)]
        from_ns = max((end for end in ends if end <= time_ns), default=NS_MIN)
        until_ns = min((end for end in ends if end > time_ns), default=NS_MAX + 1)
        begun = [part for part in self._parts if time_ns >= part.first_ns]
        if not begun:
            return _EntityPieces(from_ns, until_ns, [], [])
        pieces, sought = [b'%b"series":[' % self._before], []
        for number, part in enumerate(begun):
            pieces[-1] += b"," if number else b""
            if time_ns >= part.last_ns:
                pieces[-1] += part.encoded
            else:
                pieces[-1] += part.head
                pieces.append(b'"}')
                sought.append(part.series)
        pieces[-1] += b"]" + self._after
        return _EntityPieces(from_ns, until_ns, pieces, sought)


def _part(number: int, extent: SeriesExtent) -> _SeriesPart:
    encoded = encode(extent.info)
    last = f'{extent.info.last_time}"}}'.encode()
    assert encoded.endswith(last)
    head = encoded.removesuffix(last)
    return _SeriesPart(series_bytes(number), extent.first_ns, extent.last_ns, head, encoded)
