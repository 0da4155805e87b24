"""The commit feed: MessagePack frames in which the writer publishes each durable commit, and the
state of its links, to the readers, and its metrics.

A reader serves nothing past the watermark of the last frame that it received, because a secondary
can see what is not durable yet. A frame may omit its events; a reader that lags reads them from the
archive.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from nova.sdk.channel import FrameCodec
from nova.sdk.events.event import Series
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.protocol.metric_messages import Metric
from nova.sdk.transport.link import LinkState

FEED_FRAME_MAX_BYTES = 64 * 1024 * 1024

FLUSH_PATH = "/flush"
"""Where a backup asks the writer, on the socket of the feed, to flush."""


CommittedEvent = tuple[bytes, bytes]
"""One durable event: its event key (canonical time and series) and its stored envelope."""


class NewSeries(NamedTuple):
    """A series that this commit has assigned a number."""

    number: int
    names: Series


class CommitFrame(msgspec.Struct, array_like=True, tag=0):
    """One commit. `watermark` is the watermark: the canonical time in ns up to which the archive is
    durable. `events` is None where the frame omits them.
    """

    watermark: int
    series: list[NewSeries]
    events: list[CommittedEvent] | None

    def without_events(self) -> CommitFrame:
        """This commit without events, for a reader that lags and reads them from the archive."""
        return CommitFrame(self.watermark, self.series, None)


class LinkStates(msgspec.Struct, array_like=True, tag=1):
    """The state of each transport that the writer consumes from, by link name."""

    states: dict[str, LinkState]


class WriterMetrics(msgspec.Struct, array_like=True, tag=2):
    """The writer's metrics, and what it uses of files."""

    metrics: list[Metric]
    configured: list[ConfiguredFiles] = []


FeedFrame = CommitFrame | LinkStates | WriterMetrics

FRAMES: FrameCodec[FeedFrame] = FrameCodec(FeedFrame)
