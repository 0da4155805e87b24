"""The commit feed: MessagePack frames in which the writer publishes each durable commit, and the
state of its links, to the readers, and its metrics.

A reader serves nothing past the watermark of the last frame that it received, because a secondary
can see what is not durable yet. A frame may omit its events; a reader that lags reads them from the
archive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, overload

import msgspec

from nova.sdk.channel import FrameCodec
from nova.sdk.events.event import Series
from nova.sdk.native import native_part
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


class ColumnEvents(Sequence[CommittedEvent]):
    """The events of a commit as columns of their keys and of their envelopes, in parts. The writer
    sends them without making an object for each.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Sequence[bytes], Sequence[bytes]]] = []
        self._count = 0

    def append(self, event_keys: Sequence[bytes], stored: Sequence[bytes]) -> None:
        self._parts.append((event_keys, stored))
        self._count += len(stored)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[CommittedEvent]:
        return chain.from_iterable(zip(*part, strict=True) for part in self._parts)

    @overload
    def __getitem__(self, place: int) -> CommittedEvent: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[CommittedEvent]: ...
    def __getitem__(self, place: int | slice) -> CommittedEvent | Sequence[CommittedEvent]:
        return list(self)[place]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as of a list

    def frame(self, head: bytes) -> bytes:
        """A frame that ends with these events; `head` is what precedes them."""
        if native := native_part():
            return native.commit_frame(head, self._parts)
        return head + _encoder.encode(list(self))


class CommitFrame(msgspec.Struct, array_like=True, tag=0):
    """One commit. `watermark` is the canonical time in ns up to which the archive is
    durable. `events` is None where the frame omits them.
    """

    watermark: int
    series: list[NewSeries]
    events: Sequence[CommittedEvent] | None

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


PAUSE = "pauseS"
"""Parameter of the feed's URL."""
PAUSE_MAX_S = 1.0
DERIVED_PAUSE_S = 0.05
"""Of samples and daily files, which are made every tenth of a second at most."""

FeedFrame = CommitFrame | LinkStates | WriterMetrics

FRAMES: FrameCodec[FeedFrame] = FrameCodec(FeedFrame)

_encoder = msgspec.msgpack.Encoder()
_EVENTS_NONE = _encoder.encode(None)


def feed_url(pause_s: float) -> str:
    """The URL of the feed on the writer's socket, whose frames come together after pauses."""
    return f"http://localhost/?{PAUSE}={pause_s:g}"


def pause_of(query: Mapping[str, str]) -> float:
    """The pause that a reader asks for; raises ValueError."""
    text = query.get(PAUSE, "0")
    try:
        pause_s = float(text)
    except ValueError:
        pause_s = -1.0
    if not 0 <= pause_s <= PAUSE_MAX_S:
        raise ValueError(f"{PAUSE} {text[:32]!r} is not a number from 0 to {PAUSE_MAX_S:g}")
    return pause_s


def encode_commit(committed: CommitFrame) -> bytes:
    """The frame of a commit."""
    events = committed.events
    if not isinstance(events, ColumnEvents):
        return FRAMES.encode(committed)
    return events.frame(FRAMES.encode(committed.without_events()).removesuffix(_EVENTS_NONE))
