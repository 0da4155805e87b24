"""The timeline of one connection as the streams that follow it see it: where its stream has got to.

The owner's stream publishes each position after it has sent what lies before it. Publishing never
waits: a follower reads the position when it is ready, and pulls its own events up to there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Literal

from nova.core.ordering import last_key_at
from nova.core.query.range_cursor import AFTER_ALL, Span
from nova.sdk.protocol.message import TimelineMode

RUNS_MAX = 256
"""Streams of the owner that may wait for a follower; the oldest are skipped beyond."""

RECENT_CURSORS_MAX = 256
"""Chunks that may be on their way to the owner's client when it starts its next stream where it is:
about 13 s of a paced replay.
"""


class OwnerRun:
    """One stream of the owner. `after` and `watermark` are those of its range cursor.

    `bound`: its events up to this order key, in the direction of reading, are sent (None: none).
    `tail_ns`: its history is sent, and its tail up to this canonical time. `cursor_ns`: its clock.
    """

    def __init__(self, mode: TimelineMode, span: Span, after: bytes | None, watermark: int) -> None:
        self.mode = mode
        self.span = span
        if after == AFTER_ALL and span.timebase == "canonical":
            after = last_key_at(watermark, reverse=False)  # A key with which a stream can resume.
        self.after = after
        self.watermark = watermark
        self.start_ns = span.stop_ns if span.reverse else span.start_ns
        self.cursor_ns = self.start_ns
        self.bound: bytes | None = None
        self.tail_ns: int | None = None
        self.state: Literal["playing", "complete", "left"] = "playing"
        self._is_whole = False
        self._recent_cursors: deque[int] = deque(maxlen=RECENT_CURSORS_MAX)

    @property
    def has_sent(self) -> bool:
        """Whether any chunk is sent."""
        return self.bound is not None or self.tail_ns is not None

    @property
    def has_whole_history(self) -> bool:
        """Whether everything in the range up to the watermark is sent."""
        return self._is_whole or self.tail_ns is not None

    def covers(self, key: bytes) -> bool:
        """Whether the owner has got as far as an event with this order key."""
        return self.has_whole_history or not self._is_before(self.bound, key)

    def covers_beyond(self, after: bytes | None) -> bool:
        """Whether it has got further than `after`, the last key that was read."""
        return self.has_whole_history or (
            self.bound is not None and (after is None or self._is_before(after, self.bound))
        )

    def further(self, one: bytes | None, other: bytes | None) -> bytes | None:
        """The later of two positions in the direction of reading; None is the beginning."""
        if one is None or other is None:
            return other if one is None else one
        return other if self._is_before(one, other) else one

    def first_key(self) -> bytes:
        """The position at which it began."""
        edge = last_key_at(self.start_ns, reverse=not self.span.reverse)
        return self.further(edge, self.after) or edge

    def continues(self, before: OwnerRun, reached: bytes | None) -> bool:
        """Whether it resumes a stream before it, which has sent everything up to `reached`: behind
        a key within that, or at the time of one of its last chunks.
        """
        if reached is None or before.tail_is_unordered:
            return False
        if (self.span.timebase, self.span.reverse) != (before.span.timebase, before.span.reverse):
            return False
        if self.after is None:
            return before.was_at(self.start_ns)
        first = self.first_key()
        is_later = not self._is_before(first, before.first_key())
        return is_later and not self._is_before(reached, first)

    def was_at(self, cursor_ns: int) -> bool:
        """Whether a chunk had this cursor lately, and everything up to that time."""
        return cursor_ns in self._recent_cursors

    def advance(self, cursor_ns: int, bound: bytes) -> None:
        """Everything up to and with `bound` is sent."""
        self.cursor_ns, self.bound = cursor_ns, bound
        is_within = cursor_ns != self.start_ns
        if is_within and bound == last_key_at(cursor_ns, reverse=self.span.reverse):
            self._recent_cursors.append(cursor_ns)

    @property
    def tail_is_unordered(self) -> bool:
        """Whether it has sent events in another order than that of its timebase."""
        return self.tail_ns is not None and self.span.timebase == "source"

    def complete(self, cursor_ns: int, bound: bytes | None) -> None:
        """It has come to its end: in a REPLAY, all of the range is sent. What starts at the end is
        another range, which has the events of that time too.
        """
        self.state, self.cursor_ns = "complete", cursor_ns
        while self.was_at(cursor_ns):
            self._recent_cursors.remove(cursor_ns)
        self._is_whole = self.mode == "REPLAY"
        self.bound = self.further(self.bound, bound)

    def _is_before(self, one: bytes | None, other: bytes | None) -> bool:
        """Whether `one` comes before `other` in the direction of reading."""
        if one is None or other is None:
            return one is None and other is not None
        return other < one if self.span.reverse else one < other


class FollowedRun:
    """One stream of the owner for one follower: what the follower begins after, and whether it is
    the continuation of the one before, of which nothing may then be left out.
    """

    def __init__(self, run: OwnerRun, after: bytes | None, *, is_continuation: bool) -> None:
        self.run = run
        self.after = after
        self.tail_from_ns = run.tail_ns
        self.is_continuation = is_continuation

    @property
    def reached(self) -> bytes | None:
        """The position up to which the follower will have sent everything."""
        return self.run.further(self.after, self.run.bound)


class RunFeed:
    """The owner's streams since a follower has joined, as far as it has not finished them."""

    def __init__(self, playing: OwnerRun | None, runs_max: int) -> None:
        self._runs_max = runs_max
        self.news = asyncio.Event()
        """Set when the owner has moved, begun, ended or gone."""

        self.runs: list[FollowedRun] = []
        self.is_closed = False
        self.skipped = 0
        """Ranges with a rest that is not sent, since the follower has reported them last."""

        self._newest: FollowedRun | None = None
        self._last: FollowedRun | None = None
        """The last of the runs of which anything was sent."""

        if playing is not None:
            after = playing.further(playing.after, playing.bound)
            self._append(FollowedRun(playing, after, is_continuation=False))

    @property
    def is_current(self) -> bool:
        """Whether the first of the runs is where the owner is, if only with another rate."""
        return (
            all(run.is_continuation for run in self.runs[1:])
            and self.runs[-1].run.state != "left"
            and not self.is_closed
        )

    def begin(self, run: OwnerRun) -> None:
        """The owner has begun another stream."""
        self._forget_unsent()
        before = self._last
        if before is not None and run.continues(before.run, before.reached):
            after = run.further(run.after, before.reached)
            self._append(FollowedRun(run, after, is_continuation=True))
        else:
            self._append(FollowedRun(run, run.after, is_continuation=False))

    def _forget_unsent(self) -> None:
        """A stream that was replaced before its first chunk leaves the owner where it was."""
        if self._newest is not None and self._newest.run.has_sent:
            self._last = self._newest
        elif len(self.runs) > 1:  # The first one is being sent.
            self.runs.pop()

    def _append(self, run: FollowedRun) -> None:
        self.runs.append(run)
        self._newest = run
        if len(self.runs) > self._runs_max:
            dropped = self.runs.pop(1)
            self.runs[1].is_continuation = False
            self.skipped += dropped.run.covers_beyond(dropped.after)


class OwnerTimeline:
    """What one connection's stream publishes to the streams that follow it."""

    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        self._runs_max = runs_max
        self._run: OwnerRun | None = None
        self._feeds: set[RunFeed] = set()
        self._is_closed = False
        self.is_following = False
        """Whether the connection itself follows another one, and so has no timeline of its own."""

    def join(self) -> RunFeed:
        """Follow from now on; the caller has to `part`. A connection that has ended meanwhile is
        followed to its end at once.
        """
        run = self._run
        is_playing = run is not None and run.state == "playing"
        feed = RunFeed(run if is_playing else None, self._runs_max)
        feed.is_closed = self._is_closed
        self._feeds.add(feed)
        return feed

    def part(self, feed: RunFeed) -> None:
        """Follow no longer."""
        self._feeds.discard(feed)

    def begin(self, run: OwnerRun) -> None:
        """A stream has been accepted."""
        self.leave()
        self._run = run
        for feed in self._feeds:
            feed.begin(run)
        self._notify()

    def advance(self, cursor_ns: int, bound: bytes) -> None:
        """The stream has sent its events up to and with `bound`."""
        if (run := self._run) is not None:
            run.advance(cursor_ns, bound)
            self._notify()

    def advance_tail(self, cursor_ns: int, tail_ns: int) -> None:
        """The stream has sent its history, and its tail up to a canonical time."""
        if (run := self._run) is not None:
            run.cursor_ns, run.tail_ns = cursor_ns, tail_ns
            if run.span.timebase == "canonical":
                run.bound = last_key_at(tail_ns, reverse=False)
            self._notify()

    def complete(self, cursor_ns: int, bound: bytes | None) -> None:
        """The stream has come to its end."""
        if (run := self._run) is not None:
            run.complete(cursor_ns, bound)
            self._notify()

    def leave(self) -> None:
        """The stream was cancelled or replaced, or has failed."""
        if (run := self._run) is not None:
            run.state = "left"
            self._notify()

    def close(self) -> None:
        """The connection has ended."""
        self._is_closed = True
        self.leave()
        for feed in self._feeds:
            feed.is_closed = True
        self._notify()

    def _notify(self) -> None:
        for feed in self._feeds:
            feed.news.set()


class OwnerTimelines:
    """The timelines of all connections, by the names of the connections."""

    def __init__(self) -> None:
        self._by_name: dict[str, OwnerTimeline] = {}

    def add(self, name: str, timeline: OwnerTimeline) -> None:
        """Register a connection's timeline."""
        self._by_name[name] = timeline

    def remove(self, name: str, timeline: OwnerTimeline) -> None:
        """The connection has ended: its followers are informed."""
        if self._by_name.get(name) is timeline:
            del self._by_name[name]
        timeline.close()

    def find(self, name: str) -> OwnerTimeline | None:
        """The timeline of an open connection."""
        return self._by_name.get(name)
