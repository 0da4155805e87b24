"""The feed: what the writer tells its readers, as MessagePack frames: each durable commit, and how
its links are.

A reader serves nothing past the `mark` of the last frame it got, because a secondary can see what
is not yet durable. Events may be left out of a frame (a reader that lags reads them from the
store).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sdk.event import Series
from sdk.transport.link import LinkState

FEED_FRAME_MAX_BYTES = 64 * 1024 * 1024


CommittedEvent = tuple[bytes, bytes]
"""One durable event: its place (canonical time as a key, and its series) and stored envelope."""


class NewSeries(NamedTuple):
    """A series that was numbered by this commit."""

    number: int
    names: Series


class Committed(msgspec.Struct, array_like=True, tag=0):
    """One commit: nothing past canonical time `mark` is durable yet; `events` is None when left
    out.
    """

    mark: int
    series: list[NewSeries]
    events: list[CommittedEvent] | None

    def mark_only(self) -> Committed:
        """The same commit for a reader that is behind: it will find the events in the store."""
        return Committed(self.mark, self.series, None)


class LinkStates(msgspec.Struct, array_like=True, tag=1):
    """How the transports are that the writer consumes from, by the names of their links."""

    states: dict[str, LinkState]


News = Committed | LinkStates

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[News] = msgspec.msgpack.Decoder(News)


def encode(news: News) -> bytes:
    """One frame's bytes."""
    return _encoder.encode(news)


def decode(frame: bytes) -> News:
    """What a frame tells; raises msgspec.DecodeError if it is none."""
    return _decoder.decode(frame)
