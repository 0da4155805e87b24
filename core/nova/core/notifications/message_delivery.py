"""Message delivery: makes messages of the notices that are due, and sends them, each target
by itself."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from nova.core.notifications.apprise_sender import AppriseSender
from nova.core.notifications.notice import MessageContent, digest_id
from nova.core.notifications.notice_ledger import NoticeLedger, Outcome, StoredMessage
from nova.core.notifications.notification_file import NotificationFile, NotificationTarget
from nova.core.notifications.route_outcomes import Route, RouteOutcomes
from nova.core.notifications.send_result import MessageSender, SendResult
from nova.core.notifications.webhook_sender import WebhookSender
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND

log = logging.getLogger(__name__)


class DeliveryLimits(NamedTuple):
    """The pace of attempts, in seconds."""

    poll_s: float = 0.2
    retry_first_s: float = 2.0
    retry_max_s: float = 300.0
    drain_s: float = 5.0
    """How long a stop waits for what is being sent."""

    unread_s: float = 60.0
    """How long an escalation waits at most until it is known that nobody acknowledged in time."""


DELIVERY_LIMITS = DeliveryLimits()


def sender_of(target: NotificationTarget) -> MessageSender:
    """What sends to a target."""
    return WebhookSender(target) if target.webhook is not None else AppriseSender(target)


class UnusableSender:
    """A target that cannot be used: its messages fail, and the other targets go on."""

    resends = True

    def __init__(self, reason: str) -> None:
        self._result = SendResult(False, reason, is_final=True)

    async def send(self, _: MessageContent) -> SendResult:
        return self._result


def _usable_sender_of(target: NotificationTarget) -> MessageSender:
    try:
        return sender_of(target)
    except Exception as error:  # Its text may have the secret.
        reason = f"the target cannot be used: {type(error).__name__}"
        context = {"target": target.name, "reason": reason, "remedy": "nova notifications check"}
        log.error("no messages to a target", extra={"context": context})
        return UnusableSender(reason)


class MessageDelivery:
    """Sends the messages of a ledger."""

    def __init__(
        self,
        file: NotificationFile,
        ledger: NoticeLedger,
        limits: DeliveryLimits = DELIVERY_LIMITS,
        senders: Mapping[str, MessageSender] | None = None,
    ) -> None:
        self._ledger = ledger
        self._limits = limits
        self._targets = {target.name: target for target in file.targets}
        self._senders = senders or {
            target.name: _usable_sender_of(target) for target in file.targets
        }
        self.settled_ns: int | None = None
        """The canonical time up to which acknowledgements are known; None: none has been read."""

        self._started_ns = timestamps.now()
        self.routes = RouteOutcomes(ledger)
        self.outcomes: Counter[tuple[str, Outcome]] = Counter()
        """Messages by target and outcome since the start."""

    async def run(self) -> None:
        """Send until cancelled."""
        self.settle_interrupted()
        await asyncio.gather(self._make_messages(), *map(self._serve, self._senders))

    def settle_interrupted(self) -> None:
        """Decide about messages whose sending a process before began and did not end: whether they
        were sent is unknown. They are sent again only where the receiver knows them by their id.
        """
        for message in self._ledger.interrupted():
            sender = self._senders.get(message.content.target)
            if sender is not None and sender.resends:
                self._ledger.retry(message.content.message_id, timestamps.now(), message.error)
            else:
                self._end(message, "unknown", "NOVA's notifier ended while it was sent")

    async def _make_messages(self) -> None:
        while True:
            self.make_messages(timestamps.now())
            await asyncio.sleep(self._limits.poll_s)

    def make_messages(self, now_ns: int) -> None:
        """Make messages of the notices that are due, once it is known what was acknowledged while
        nobody read.
        """
        unread_ns = now_ns - int(self._limits.unread_s * NS_PER_SECOND)
        if self.settled_ns is None and unread_ns < self._started_ns:
            return
        escalate_ns = max(self.settled_ns or unread_ns, unread_ns)
        for group in self._ledger.due_groups(now_ns, escalate_ns):
            content = MessageContent(
                message_id=digest_id(*group.ids),
                kind=group.kind,
                target=group.target,
                rule=group.rule,
                created=timestamps.text(now_ns),
                alarms=group.alarms,
            )
            with self._ledger.transaction():
                self._ledger.add_message(content, group.ids, now_ns)
        for name in self._ledger.waiting_targets() - self._senders.keys():
            while (message := self._ledger.next_message(name, now_ns)) is not None:
                self._end(message, "failed", "the notification file has no target of this name")

    async def _serve(self, target: str) -> None:
        while True:
            message = self._ledger.next_message(target, timestamps.now())
            if message is None:
                await asyncio.sleep(self._limits.poll_s)
            else:
                await self._attempt(message, self._senders[target])

    async def _attempt(self, message: StoredMessage, sender: MessageSender) -> None:
        self._ledger.begin(message.content.message_id)
        message = message._replace(attempts=message.attempts + 1)
        sending = asyncio.create_task(sender.send(message.content))
        try:
            self._record(message, sender, await asyncio.shield(sending))
        except asyncio.CancelledError:
            await asyncio.wait((sending,), timeout=self._limits.drain_s)
            if sending.done():
                self._record(message, sender, sending.result())
            sending.cancel()
            raise

    def _record(self, message: StoredMessage, sender: MessageSender, result: SendResult) -> None:
        if result.is_sent:
            self._end(message, "sent", None)
        elif self._is_last(message, sender, result):
            self._end(message, "failed" if result.is_certain else "unknown", result.error)
        else:
            pause_s = self._limits.retry_first_s * 2 ** min(message.attempts - 1, 16)
            pause_ns = int(min(pause_s, self._limits.retry_max_s) * NS_PER_SECOND)
            self._ledger.retry(
                message.content.message_id, timestamps.now() + pause_ns, result.error
            )
            self.routes.add(_route_of(message), "retrying", result.error)

    def _is_last(self, message: StoredMessage, sender: MessageSender, result: SendResult) -> bool:
        attempts_max = self._targets[message.content.target].attempts_max
        may_be_sent_twice = not result.is_certain and not sender.resends
        return result.is_final or may_be_sent_twice or message.attempts >= attempts_max

    def _end(self, message: StoredMessage, outcome: Outcome, error: str | None) -> None:
        content = message.content
        self._ledger.end(content.message_id, outcome, timestamps.now(), error)
        self.outcomes[content.target, outcome] += 1
        self.routes.add(_route_of(message), outcome, error)
        context = {"target": content.target, "messageId": content.message_id, "outcome": outcome}
        if outcome == "sent":
            log.info("notification sent", extra={"context": context})
        else:
            log.error("notification not sent", extra={"context": {**context, "error": error}})


def _route_of(message: StoredMessage) -> Route:
    return Route(message.content.rule, message.content.target)
