"""An archive whose alarms somebody is notified of: real databases, and real receivers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from nova.core.notifications.alarm_feed import AlarmFeed
from nova.core.notifications.message_delivery import DeliveryLimits, MessageDelivery
from nova.core.notifications.notice_ledger import NoticeLedger
from nova.core.notifications.notification_file import NotificationFile
from nova.core.notifications.notifier import Notifier
from nova.core.store.durability_marker import write_marker
from nova.sdk import timestamps
from nova.sdk.alarms.alarm_rule import AlarmRule, Bounds
from nova.sdk.alarms.sent_notification import SentNotification
from nova.sdk.field_types import JsonObject
from tests.core.alarms.alarm_oracle import SECOND
from tests.core.derived.alarming import SCOPE, AlarmedArchive, DrawnAlarmEvent
from tests.core.notifications.receiving import SECRET, ReceivedMessages

FAST = DeliveryLimits(poll_s=0.01, retry_first_s=0.01, retry_max_s=0.02)
RULE = AlarmRule(
    rule_id="volts-low",
    title="Low voltage",
    message_type="Power",
    field="volts",
    ranges={"warning": Bounds(low=20.0), "critical": Bounds(low=10.0)},
)
LOW, LOWER, GOOD = 15.0, 5.0, 30.0
WAIT_S = 30.0


def notification_file(
    url: str, more: Sequence[JsonObject] = (), **rule: object
) -> NotificationFile:
    """A file with a web hook, further targets, and one rule, for the web hook."""
    hook = {"name": "hook", "webhook": url, "secret": SECRET}
    rules = [{"name": "all", "targets": ["hook"], **rule}]
    document = {"targets": [hook, *more], "rules": rules}
    return msgspec.convert(document, NotificationFile)


class NotifiedArchive:
    """An archive at the present time, with one rule, and a notifier that can be restarted."""

    def __init__(self, stack: ExitStack, file: NotificationFile) -> None:
        self._stack = stack
        self.file = file
        self.archived = AlarmedArchive(stack)
        self.archived.now_ns = timestamps.now() - 20 * SECOND
        self.events: list[SentNotification] = []
        self._count = 0
        self.archived.record([DrawnAlarmEvent(self.now_ns, "a", {}, ("volts-low", RULE, 0))], 0)
        self._judge()
        self.start()
        self.notifier.follow()  # Notifications begin now.
        self.ledger.set_cursor(self.now_ns)

    @property
    def now_ns(self) -> int:
        return self.archived.now_ns

    def start(self) -> None:
        """Start a notifier as a new process would, beside what the one before left."""
        if hasattr(self, "ledger"):
            self.close()
        self.ledger = NoticeLedger(self.archived.data)
        scratch = self.archived.data / "scratch-notifier"
        self.feed = AlarmFeed(self.archived.data, scratch, SCOPE, lambda _: True)
        self.delivery = MessageDelivery(self.file, self.ledger, FAST)
        self.notifier = Notifier(self.file, self.ledger, self.feed, self.delivery, self)

    def close(self) -> None:
        self.feed.close()
        self.ledger.close()

    async def record_notification(self, notification: SentNotification) -> None:
        self.events.append(notification)

    def value(self, volts: float, unit: str = "a", age_s: float = 0.0) -> None:
        """Record a value of the field, and judge it."""
        self._count += 1
        source_ns = timestamps.now() - int(age_s * SECOND)
        payload: JsonObject = {"volts": volts, "n": self._count}
        body: JsonObject = {
            "lane": "parsed",
            "messageType": "Power",
            "schemaVersion": "1",
            "payload": payload,
        }
        self._record(DrawnAlarmEvent(source_ns, unit, body))

    def rule(self, rule: AlarmRule) -> None:
        """Publish another rule."""
        self._record(DrawnAlarmEvent(self.now_ns, "a", {}, (rule.rule_id, rule, 0)))

    def act(self, action: str, unit: str = "a", **members: object) -> None:
        """Record what an operator does, and judge it."""
        self._count += 1
        payload = {
            "rule": "volts-low",
            "action": action,
            "user": "eva",
            "n": self._count,
            **members,
        }
        body: JsonObject = {"lane": "metadata", "messageType": "AlarmAction", "payload": payload}
        self._record(DrawnAlarmEvent(timestamps.now(), unit, body))

    def _record(self, event: DrawnAlarmEvent) -> None:
        self.archived.record([event], 0)
        self.archived.now_ns += 1_000_000
        self._judge()

    def _judge(self) -> None:
        self.archived.archive.sync()
        write_marker(self.archived.data, self.archived.committer.marker())
        self.archived.make()

    async def deliver(self, until: int) -> None:
        """Run the notifier until this number of messages is recorded, and stop it."""
        self.notifier.follow()
        running = asyncio.create_task(self.notifier.run())
        async with asyncio.timeout(WAIT_S):
            while len(self.events) < until:
                assert not running.done(), running.exception()
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait((running,))


def notified(stack: ExitStack, received: ReceivedMessages, **rule: object) -> NotifiedArchive:
    """An archive that notifies a web hook."""
    archive = NotifiedArchive(stack, notification_file(received.url, (), **rule))
    stack.callback(archive.close)
    return archive
