"""The two timelines that viewers look at: the present, and a range that is played."""

from __future__ import annotations

from typing import Protocol

from nova.foxglove.playback_position import PlaybackPosition
from nova.foxglove.stored_head import StoredHead
from nova.foxglove.stream_pump import Chunks
from nova.sdk import timestamps
from nova.sdk.client.client import Client
from nova.sdk.protocol.messages import Filters, StreamChunk, Timebase
from nova.sdk.timestamps import NS_PER_SECOND

RESUME_MAX_NS = 10 * NS_PER_SECOND
"""How far the present goes back at most, when channels are added to it."""


class Timeline(Protocol):
    """Where a viewer is, and the stream that continues there."""

    log_timebase: Timebase

    def stream(self, client: Client, filters: Filters) -> Chunks | None:
        """The stream behind all that was delivered; None at the end."""

    def advance(self, chunk: StreamChunk, last: StoredHead | None) -> None:
        """A chunk was delivered, of which this is the last event."""


class PresentTimeline:
    """The present, in the order of receipt, which a stream can continue exactly."""

    def __init__(self, log_timebase: Timebase, now_ns: int) -> None:
        self.log_timebase = log_timebase
        self._cursor_ns = now_ns
        self._earliest_ns = now_ns
        self._last_ns = now_ns
        self._last_key: str | None = None

    def stream(self, client: Client, filters: Filters) -> Chunks | None:
        """Behind the last event, or if that is long ago, from a few seconds ago on."""
        from_ns = max(self._cursor_ns - RESUME_MAX_NS, self._earliest_ns)
        is_recent = self._last_key is not None and self._last_ns >= from_ns
        return client.stream(
            "LIVE",
            start_time=None if is_recent else timestamps.text(from_ns),
            after_key=self._last_key if is_recent else None,
            timebase="canonical",
            filters=filters,
        )

    def advance(self, chunk: StreamChunk, last: StoredHead | None) -> None:
        self._cursor_ns = timestamps.parse(chunk.cursor)
        if last is not None:
            self._last_ns, self._last_key = last.time_ns("canonical"), chunk.last_key


class PlayedTimeline:
    """A range in the order of a timebase."""

    def __init__(self, log_timebase: Timebase, position: PlaybackPosition) -> None:
        self.log_timebase = log_timebase
        self.position = position

    def stream(self, client: Client, filters: Filters) -> Chunks | None:
        start = self.position.start()
        if start is None:
            return None
        return client.stream(
            "REPLAY",
            start_time=timestamps.text(start.start_ns),
            stop_time=timestamps.text(start.stop_ns),
            rate=start.rate,
            after_key=start.after_key,
            timebase=self.log_timebase,
            filters=filters,
        )

    def advance(self, chunk: StreamChunk, last: StoredHead | None) -> None:
        last_ns = None if last is None else last.time_ns(self.log_timebase)
        self.position.advance(timestamps.parse(chunk.cursor), last_ns, chunk.last_key)
