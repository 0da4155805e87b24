"""Streams: the unit for which a driver is selected, recognised in stored envelopes without parsing.

A stream is a target's events of one lane, type and (on parsed) schemaVersion. A stored envelope
begins with the eventId, then the ids, the time and the type. So a few searches find the text that
all events of a stream share, and its meaning is cached.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

RAW_STREAM = "raw"
"""The streamType of raw frames, which have no messageType."""

HEAD_BYTES = len('{"eventId":""') + 64
ID_TEXT = slice(len('{"eventId":"'), len('{"eventId":"') + 64)
"""Where the eventId is in every stored envelope, as hexadecimal text."""

CACHE_MAX = 65_536

TIME = b',"sourceTruthTime":"'
TIME_BYTES = len(TIME)
_TYPE_BYTES = len(',"messageType":"')
_BEHIND_VERSION = b',"payload":'
_BEHIND_TYPE = b'"'


class DriverStream(NamedTuple):
    """A target's events of one kind; only parsed streams have a schemaVersion."""

    scope_id: str
    system_id: str
    container_id: str
    unique_id: str
    lane: str
    stream_type: str
    schema_version: str = ""

    @property
    def target_id(self) -> str:
        """The targetId in DriverBindings."""
        return "|".join(self[:4])

    def __str__(self) -> str:
        version = f" {self.schema_version}" if self.schema_version else ""
        return f"{self.target_id} {self.lane} {self.stream_type}{version}"


class StreamMarker(NamedTuple):
    """A text and its offset in a stream's events whose time has the normal form."""

    offset: int
    text: bytes


class _StreamHeader(msgspec.Struct, rename="camel"):
    scope_id: str
    lane: str
    system_id: str
    container_id: str
    unique_id: str
    message_type: str = RAW_STREAM
    schema_version: str = ""


@dataclass(slots=True)
class _LaneStreams:
    """The streams of an entity's lane, by the text between the time and `behind`."""

    behind: bytes
    streams: dict[bytes, DriverStream] = field(default_factory=dict)


_headers = msgspec.json.Decoder(_StreamHeader)


def stream_of(stored: bytes) -> DriverStream:
    head = _headers.decode(stored)
    version = head.schema_version if head.lane == "parsed" else ""
    kind = RAW_STREAM if head.lane == "raw" else head.message_type
    return DriverStream(
        head.scope_id, head.system_id, head.container_id, head.unique_id, head.lane, kind, version
    )


def marker_of(stored: bytes, stream: DriverStream) -> StreamMarker:
    """The text that distinguishes a stream's events from others of its series, which differ in
    schemaVersion only: from the quote after the time up to the payload.

    It is at that offset in all events whose time has the same length. Elsewhere it cannot match:
    their time is longer, or has ended up to 15 characters earlier, inside the next member's name.
    """
    at = stored.find(TIME, HEAD_BYTES) + TIME_BYTES
    end = stored.find(b'"', at)
    if stream.lane != "parsed":
        return StreamMarker(at - TIME_BYTES, TIME)
    behind = stored.find(_BEHIND_VERSION, end) + len(_BEHIND_VERSION)
    return StreamMarker(end, stored[end:behind])


class StreamCache:
    """A cache of streams by their text in stored envelopes."""

    def __init__(self) -> None:
        self._heads: dict[bytes, _LaneStreams] = {}
        self._count = 0

    def of(self, stored: bytes) -> DriverStream:
        """The stream of a stored envelope; mostly the same object for the same stream."""
        return self.at(stored, stored.find(TIME, HEAD_BYTES))

    def at(self, stored: bytes, at: int) -> DriverStream:
        """Like `of`, if the offset of `TIME` is known."""
        known = self._heads.get(stored[HEAD_BYTES:at])
        if known is None:
            return self._parse(stored, at)
        if not known.behind:
            tail = b""
        else:
            end = stored.find(b'"', at + TIME_BYTES) + 1
            tail = stored[end : stored.find(known.behind, end + _TYPE_BYTES)]
        stream = known.streams.get(tail)
        return self._parse(stored, at, tail) if stream is None else stream

    def _parse(self, stored: bytes, at: int, tail: bytes | None = None) -> DriverStream:
        if self._count >= CACHE_MAX:
            self._heads.clear()
            self._count = 0
        self._count += 1
        stream = stream_of(stored)
        head = stored[HEAD_BYTES:at]
        known = self._heads.get(head)
        if known is None:
            behind = {"parsed": _BEHIND_VERSION, "raw": b""}.get(stream.lane, _BEHIND_TYPE)
            known = self._heads[head] = _LaneStreams(behind)
        if tail is not None or not known.behind:
            known.streams[tail or b""] = stream
        return stream
