"""A client's requests about alarms."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from nova.sdk.client.connection import Connection
from nova.sdk.client.live_alarm_queue import LiveAlarmQueue
from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol import messages, submission
from nova.sdk.protocol.alarm_messages import (
    ActOnAlarm,
    AlarmHistory,
    AlarmHistoryResponse,
    Alarms,
    AlarmsFollowed,
    AlarmsResponse,
    AlarmUpdates,
    FollowAlarms,
    UnfollowAlarms,
)

FOLLOW_INTERVAL_S = 0.5
UNFOLLOW_REF = "unfollowing"
"""The ref of an UnfollowAlarms whose reply is ignored."""


class AlarmRequests(Connection):
    """Requests about alarms, one method each."""

    async def acknowledge_alarm(self, message: submission.AcknowledgeAlarm) -> submission.AlarmAck:
        """Record that an operator has seen an alarm; the reply has the canonical time."""
        return await self.request(message, submission.AlarmAck)

    async def alarms(self, message: Alarms) -> AlarmsResponse:
        """The alarms at a time, and how many are in which state: one page."""
        return await self.request(message, AlarmsResponse)

    async def alarm_history(self, message: AlarmHistory) -> AlarmHistoryResponse:
        """The transitions of alarms in a time range: one page."""
        return await self.request(message, AlarmHistoryResponse)

    async def follow_alarms(
        self, message: AlarmHistory, interval_s: float = FOLLOW_INTERVAL_S
    ) -> AsyncGenerator[AlarmHistoryResponse, None]:
        """Pages of transitions as they happen, each transition once, in canonical time, until
        cancelled. `resume_key` of the last page is the `after_key` with which to continue later.
        """
        message.timebase, message.stop_time = "canonical", None
        while True:
            page = await self.alarm_history(message)
            message.after_key = page.resume_key
            if page.transitions:
                yield page
            if page.next_key is None:
                await asyncio.sleep(interval_s)

    async def act_on_alarm(self, message: ActOnAlarm) -> submission.AlarmAck:
        """Acknowledge, comment, shelve, unshelve, disable or enable an alarm."""
        return await self.request(message, submission.AlarmAck)

    async def live_alarms(self, message: FollowAlarms) -> AsyncGenerator[AlarmUpdates, None]:
        """The abnormal alarms of the present, then those that change, until cancelled: replace each
        by what comes, and begin anew where a message is `whole`. A connection follows once.
        """
        queue = self._live_alarms = LiveAlarmQueue(message.follow_id)
        try:
            await self.request(message, AlarmsFollowed)
            while True:
                yield await queue.next()
        finally:
            if self._live_alarms is queue:
                self._live_alarms = LiveAlarmQueue()
                with contextlib.suppress(ConnectionLostError):
                    await self._send(messages.encode(UnfollowAlarms(ref=UNFOLLOW_REF)))
