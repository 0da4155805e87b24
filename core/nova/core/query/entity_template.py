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


class EntityTemplate:
    """An entity from `from_ns` on, while its series get no events."""

    __slots__ = ("_after", "_before", "_parts", "from_ns")

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

    def encoded_at(self, time_ns: int, last_time: LastTime) -> bytes | None:
        """The JSON at a time from `from_ns` on, empty without a series that had an event by then.
        `last_time` finds the last times up to then; None if it does not find one.
        """
        found: list[bytes] = []
        for part in self._parts:
            if time_ns >= part.last_ns:
                found.append(part.encoded)
            elif time_ns >= part.first_ns:
                last_ns = last_time(part.series)
                if last_ns is None:
                    return None
                found.append(b'%b%b"}' % (part.head, timestamps.text(last_ns).encode()))
        if not found:
            return b""
        return b'%b"series":[%b]%b' % (self._before, b",".join(found), self._after)


def _part(number: int, extent: SeriesExtent) -> _SeriesPart:
    encoded = encode(extent.info)
    last = f'{extent.info.last_time}"}}'.encode()
    assert encoded.endswith(last)
    head = encoded.removesuffix(last)
    return _SeriesPart(series_bytes(number), extent.first_ns, extent.last_ns, head, encoded)
