"""What a connection follows of the alarms, and the task that sends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from nova.core.ordering import Timebase
from nova.core.query.event_filter import EventFilter
from nova.core.query.memory_budget import MemoryBudget
from nova.core.server.chunk_sender import SendFrame
from nova.core.server.live_alarms import AlarmSubscription, LiveAlarms
from nova.sdk.protocol import messages
from nova.sdk.protocol.alarm_messages import FollowAlarms

log = logging.getLogger(__name__)


class AlarmPush:
    """At most one subscription, which ends with the connection."""

    def __init__(self, live: LiveAlarms, budget: MemoryBudget, send_frame: SendFrame) -> None:
        self._live = live
        self._budget = budget
        self._send_frame = send_frame
        self._task: asyncio.Task[None] | None = None

    async def follow(
        self, request: FollowAlarms, timebase: Timebase, event_filter: EventFilter
    ) -> None:
        """Follow these alarms from now on, and no others."""
        await self.close()
        subscription = self._live.subscribe(timebase, event_filter, request.rule)
        self._task = asyncio.create_task(self._send(subscription, request.follow_id))
        self._task.add_done_callback(lambda _: self._live.unsubscribe(timebase, subscription))

    async def close(self) -> None:
        """End the subscription, if there is one."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
            self._task = None

    async def _send(self, subscription: AlarmSubscription, follow_id: str) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                for message in await subscription.messages(follow_id):
                    frame = messages.encode(message)
                    with self._budget.hold_chunk(len(frame)):
                        await self._send_frame(frame, of_stream=True)
