"""The notification trail: what the notifier has sent becomes metadata events of its targets."""

from __future__ import annotations

import msgspec

from nova.core.errors import RequestError
from nova.core.submission_messages import NotificationRecorded, RecordNotification
from nova.core.writer.commit_queue import CommitQueue
from nova.sdk.alarms.sent_notification import NOTIFICATION_SENT, SentNotification
from nova.sdk.errors import EnvelopeError
from nova.sdk.events.event import Event, check
from nova.sdk.events.reserved import NOTIFICATION_CONTAINER, NOTIFICATION_SYSTEM
from nova.sdk.field_types import JsonObject


class NotificationTrail:
    """Records notifications for the notifier."""

    def __init__(self, queue: CommitQueue) -> None:
        self._queue = queue

    async def record(self, request: RecordNotification) -> NotificationRecorded:
        """Record a notification; returns once it is durable. One that is recorded already is not
        recorded again. Raises RequestError.
        """
        try:
            event = notification_event(request.notification)
        except EnvelopeError as error:
            raise RequestError("badRequest", f"the notification is no event: {error}") from None
        await self._queue.submit(lambda committer: committer.record_all([event]))
        return NotificationRecorded()


def notification_event(sent: SentNotification) -> Event:
    """The event of a notification; the same one always makes the same event. Raises
    EnvelopeError.
    """
    payload: JsonObject = msgspec.to_builtins(sent)
    envelope: JsonObject = {
        "scopeId": payload.pop("scopeId"),
        "lane": "metadata",
        "systemId": NOTIFICATION_SYSTEM,
        "containerId": NOTIFICATION_CONTAINER,
        "uniqueId": sent.target,
        "sourceTruthTime": payload.pop("time"),
        "messageType": NOTIFICATION_SENT,
        "payload": payload,
    }
    return check(msgspec.json.encode(envelope))
