"""What a client has received of the alarms that it follows and not read yet: of each its last."""

from __future__ import annotations

import asyncio

from nova.sdk.errors import ConnectionLostError
from nova.sdk.protocol import messages
from nova.sdk.protocol.alarm_messages import AlarmInfo, AlarmUpdates

AlarmKey = tuple[str, ...]


class LiveAlarmQueue:
    """One message at most, into which later ones are merged: a slow reader loses no alarm. Without
    a `follow_id` nothing is followed.
    """

    def __init__(self, follow_id: str = "") -> None:
        self._follow_id = follow_id
        self._pending: AlarmUpdates | None = None
        self._lost: ConnectionLostError | None = None
        self._has_news = asyncio.Event()

    def __bool__(self) -> bool:
        return self._follow_id != ""

    def receive(self, reply: messages.Reply) -> None:
        """Add a message of what is followed; an edge that loses its reader loses it too."""
        match reply:
            case AlarmUpdates() if reply.follow_id == self._follow_id:
                self._add(reply)
            case messages.Error(ref=None):
                self.fail(ConnectionLostError(reply.message))

    def _add(self, message: AlarmUpdates) -> None:
        before = self._pending
        if before is not None and not message.whole:
            message.whole = before.whole
            known = {_key_of(one): one for one in before.alarms}
            message.alarms = list((known | {_key_of(one): one for one in message.alarms}).values())
        self._pending = message
        self._has_news.set()

    def fail(self, lost: ConnectionLostError) -> None:
        """End with an error, once what was received is read."""
        self._lost = lost
        self._has_news.set()

    async def next(self) -> AlarmUpdates:
        """The next message; raises ConnectionLostError."""
        await self._has_news.wait()
        message, self._pending = self._pending, None
        if message is None:
            assert self._lost is not None
            raise self._lost
        if self._lost is None:
            self._has_news.clear()
        return message


def _key_of(alarm: AlarmInfo) -> AlarmKey:
    ids = (alarm.scope_id, alarm.system_id, alarm.container_id, alarm.unique_id)
    return (*ids, alarm.lane, alarm.message_type, alarm.view_id, alarm.field, alarm.rule)
