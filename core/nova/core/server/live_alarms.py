"""Live alarms: one board per timebase, which all connections that follow alarms share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from nova.core.effect import moment
from nova.core.errors import ArchiveError
from nova.core.ordering import Timebase
from nova.core.query.alarm_board import AlarmBoard, ChangedAlarm
from nova.core.query.alarm_queries import AlarmQueries
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.store.alarm_store import AlarmName
from nova.sdk import timestamps
from nova.sdk.protocol.alarm_messages import AlarmInfo, AlarmUpdates

TICK_S = 0.2
REST, REST_MAX_S = 9, 2.0
"""The board rests this many times as long as its last update took, but no longer than followers
may wait for a message.
"""

BEAT_S = 1.0
"""Followers receive a message at least this often."""

MESSAGE_MAX_ALARMS = 500

log = logging.getLogger(__name__)


class AlarmSubscription:
    """What one connection has to be sent: of each alarm its last change, so never more than there
    are alarms, however slow its client is.
    """

    def __init__(self, event_filter: EventFilter, rule: str | None) -> None:
        self._event_filter = event_filter
        self._rule = rule
        self._pending: dict[int, AlarmInfo] = {}
        self._is_whole = True
        self._has_news = asyncio.Event()
        self._head = AlarmUpdates(follow_id="", time="", behind=True, alarms=[])

    def matches(self, name: AlarmName) -> bool:
        """Whether an alarm is followed."""
        is_wanted = self._rule in (None, name.rule_id)
        return is_wanted and self._event_filter.matches(name.series)

    def restart(self, board: AlarmBoard) -> None:
        """Send all alarms of a board, in place of what was sent before."""
        self._is_whole = True
        numbers = (one for one in board.abnormal if self.matches(board.names[one]))
        self._pending = {number: board.abnormal[number] for number in numbers}

    def add(self, board: AlarmBoard, changed: Sequence[ChangedAlarm]) -> None:
        """Send these alarms."""
        for number, info in changed:
            if self.matches(board.names[number]):
                self._pending[number] = info

    def publish(self, head: AlarmUpdates, *, is_beat: bool) -> None:
        """Let the connection send what there is."""
        self._head = head
        if is_beat or self._pending or self._is_whole:
            self._has_news.set()

    async def messages(self, follow_id: str) -> Sequence[AlarmUpdates]:
        """Wait for news; returns their messages."""
        await self._has_news.wait()
        self._has_news.clear()
        return list(self._messages(follow_id))

    def _messages(self, follow_id: str) -> Iterator[AlarmUpdates]:
        alarms, is_whole, head = list(self._pending.values()), self._is_whole, self._head
        self._pending, self._is_whole = {}, False
        for start in range(0, max(1, len(alarms)), MESSAGE_MAX_ALARMS):
            yield AlarmUpdates(
                follow_id=follow_id,
                time=head.time,
                judged=head.judged,
                behind=head.behind,
                whole=is_whole and start == 0,
                alarms=alarms[start : start + MESSAGE_MAX_ALARMS],
            )


class LiveAlarms:
    """Keeps boards up to date while anybody follows."""

    def __init__(
        self,
        queries: AlarmQueries,
        snapshot: ArchiveSnapshot,
        tick_s: float = TICK_S,
        beat_s: float = BEAT_S,
    ) -> None:
        self.queries = queries
        self._snapshot = snapshot
        self._tick_s = tick_s
        self._beat_s = beat_s
        self._followed: dict[Timebase, _Followed] = {}

    @classmethod
    def open(
        cls, snapshot: ArchiveSnapshot, data: Path, scratch: Path, own_scope: str
    ) -> LiveAlarms:
        """Those of a data folder."""
        return cls(AlarmQueries(snapshot, data, scratch, own_scope), snapshot)

    def close(self) -> None:
        self.queries.close()

    def subscribe(
        self, timebase: Timebase, event_filter: EventFilter, rule: str | None
    ) -> AlarmSubscription:
        """Follow the alarms that a filter selects, beginning with all that are abnormal."""
        subscription = AlarmSubscription(event_filter, rule)
        followed = self._followed.get(timebase)
        if followed is None:
            followed = self._followed[timebase] = _Followed(timebase, self._beat_s)
            followed.task = asyncio.create_task(self._keep(followed))
        followed.new.append(subscription)
        return subscription

    def unsubscribe(self, timebase: Timebase, subscription: AlarmSubscription) -> None:
        """End a subscription."""
        followed = self._followed.get(timebase)
        if followed is None:
            return
        for some in (followed.new, followed.subscriptions):
            if subscription in some:
                some.remove(subscription)
        if not followed.new and not followed.subscriptions:
            del self._followed[timebase]
            if followed.task is not None:
                followed.task.cancel()

    async def _keep(self, followed: _Followed) -> None:
        while True:
            begun = time.monotonic()
            try:
                await self._update(followed)
            except ArchiveError as error:
                log.error("no live alarms", extra={"context": {"error": str(error)}})
            except Exception:
                log.exception("live alarms failed")
            spent_s = time.monotonic() - begun
            await asyncio.sleep(max(self._tick_s, min(REST * spent_s, REST_MAX_S)))

    async def _update(self, followed: _Followed) -> None:
        board = followed.board
        now_ns = moment.now(board.timebase, self._snapshot.watermark).time_ns
        head = AlarmUpdates(follow_id="", time=timestamps.text(now_ns), behind=True, alarms=[])
        async with self.queries.judged() as judged:
            if judged is not None:
                if board.names is not judged.view.names:
                    followed.restart()
                for changed in board.update(judged, now_ns):
                    for one in followed.subscriptions:
                        one.add(board, changed)
                    await asyncio.sleep(0)
                head.judged, head.behind = self.queries.how_far(judged)
        followed.publish(head)


class _Followed:
    """A board and who follows it."""

    def __init__(self, timebase: Timebase, beat_s: float) -> None:
        self.board = AlarmBoard(timebase)
        self._beat_s = beat_s
        self.subscriptions: list[AlarmSubscription] = []
        self.new: list[AlarmSubscription] = []
        self.task: asyncio.Task[None] | None = None
        self._beaten_s = 0.0
        self._was_behind = True

    def restart(self) -> None:
        """The board begins anew: so do all subscriptions."""
        self.new += self.subscriptions
        self.subscriptions = []

    def publish(self, head: AlarmUpdates) -> None:
        """Let all subscriptions send what there is; new ones everything."""
        for one in self.new:
            one.restart(self.board)
        self.subscriptions += self.new
        self.new = []
        now_s = time.monotonic()
        is_beat = now_s - self._beaten_s >= self._beat_s or head.behind != self._was_behind
        if is_beat:
            self._beaten_s = now_s
        self._was_behind = head.behind
        for one in self.subscriptions:
            one.publish(head, is_beat=is_beat)
