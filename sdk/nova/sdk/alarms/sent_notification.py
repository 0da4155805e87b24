"""`NotificationSent` events: what was sent about alarms, to whom, and with which outcome."""

from __future__ import annotations

from typing import Literal

import msgspec

from nova.sdk.field_types import JsonObject

NOTIFICATION_SENT = "NotificationSent"
"""The type of the metadata event of a message that was sent, or could not be."""

NotificationOutcome = Literal["sent", "failed", "unknown"]
"""`unknown`: it may have been sent, and is not sent again."""


class SentNotification(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """A message about alarms of one scope, and what became of it at `time`."""

    scope_id: str
    target: str
    time: str
    message_id: str
    kind: str
    """`raised` or `escalated`."""

    rule: str
    """The rule of the notification file."""

    outcome: NotificationOutcome
    attempts: int
    alarms: list[JsonObject]
    error: str | None = None
