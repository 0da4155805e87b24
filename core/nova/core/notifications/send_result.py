"""What a target did with a message."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from nova.core.notifications.notice import MessageContent


class SendResult(NamedTuple):
    """`is_certain`: it is known whether the target has taken the message. `is_final`: another
    attempt is of no use. The error names no URL and no secret.
    """

    is_sent: bool
    error: str | None = None
    is_certain: bool = True
    is_final: bool = False


SENT = SendResult(True)


class MessageSender(Protocol):
    """Sends messages to one target."""

    resends: bool
    """Whether the target knows a message that it gets again, by its id."""

    async def send(self, content: MessageContent) -> SendResult:
        """Make one attempt within the target's time; raises nothing."""
        ...
