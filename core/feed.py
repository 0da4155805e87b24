"""The feed: what the writer tells its readers after each durable commit, as MessagePack frames.

A reader serves nothing past the `mark` of the last frame it got, because a secondary can see what
is not yet durable. Events may be left out of a frame (a reader that lags reads them from the
store).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from sdk.event import Series

FEED_FRAME_MAX_BYTES = 64 * 1024 * 1024


class CommittedEvent(NamedTuple):
    """One durable event: its canonical order key, source time, series number and stored
    envelope.
    """

    key: bytes
    source_ns: int
    series: int
    stored: bytes


class NewSeries(NamedTuple):
    """A series that was numbered by this commit."""

    number: int
    names: Series


class Committed(msgspec.Struct, array_like=True):
    """One commit: nothing past canonical time `mark` is durable yet; `events` is None when left
    out.
    """

    mark: int
    series: list[NewSeries]
    events: list[CommittedEvent] | None

    def mark_only(self) -> Committed:
        """The same commit for a reader that is behind: it will find the events in the store."""
        return Committed(self.mark, self.series, None)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Committed)


def encode(committed: Committed) -> bytes:
    """One frame's bytes."""
    return _encoder.encode(committed)


def decode(frame: bytes) -> Committed:
    """The commit in a frame; raises msgspec.DecodeError if it is none."""
    return _decoder.decode(frame)
