"""The notifier: follows the alarms, enters notices, and records what became of the messages."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Protocol, cast

import msgspec

from nova.core.errors import RequestError
from nova.core.notifications.alarm_feed import AlarmFeed
from nova.core.notifications.message_delivery import MessageDelivery
from nova.core.notifications.notice_ledger import KEEP_NS, NoticeLedger, StoredMessage
from nova.core.notifications.notice_plan import NoticePlan, PlanFigures
from nova.core.notifications.notification_file import NotificationFile
from nova.sdk import timestamps
from nova.sdk.alarms.sent_notification import NotificationOutcome, SentNotification
from nova.sdk.protocol.metric_messages import Metric, MetricSample

FOLLOW_S = 0.25
PAUSE_TIMES = 10
"""How much longer than a pass the pause after it is, at least."""

RECORD_S = 0.5
RECORD_RETRY_S = 5.0
FORGET_S = 3_600.0

log = logging.getLogger(__name__)


class NotificationRecorder(Protocol):
    """What the writer does for the notifier; `SubmissionClient` has it."""

    async def record_notification(self, notification: SentNotification) -> None: ...


class Notifier:
    """Notifies of the alarms that a feed has, by a notification file."""

    def __init__(
        self,
        file: NotificationFile,
        ledger: NoticeLedger,
        feed: AlarmFeed,
        delivery: MessageDelivery,
        recorder: NotificationRecorder,
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._plan = NoticePlan(file, ledger)
        self._delivery = delivery
        self._recorder = recorder
        self._figures = PlanFigures()

    async def run(self) -> None:
        """Notify until cancelled."""
        await asyncio.gather(self._follow(), self._delivery.run(), self._record(), self._forget())

    async def _follow(self) -> None:
        while True:
            since_s = time.monotonic()
            self.follow()
            took_s = time.monotonic() - since_s
            await asyncio.sleep(max(FOLLOW_S, PAUSE_TIMES * took_s))

    def follow(self) -> None:
        """Enter the notices of what has changed. The first time, notifications begin with what
        changes from then on.
        """
        now_ns = timestamps.now()
        after_ns = self._ledger.cursor_ns
        if after_ns is None:
            with self._ledger.transaction():
                self._ledger.set_cursor(now_ns)
            self._delivery.settled_ns = now_ns
            return
        found = self._feed.read(after_ns, self._ledger.open_alarms())
        if found is None:
            return
        added, late = self._figures
        with self._ledger.transaction():
            for change in found.changes:
                figures = self._plan.apply(change, now_ns)
                added, late = added + figures.added, late + figures.late
            if found.cursor_ns != after_ns:
                self._ledger.set_cursor(found.cursor_ns)
            for alarm_key in self._ledger.late_alarms():
                alarm = self._feed.alarm(alarm_key, found.settled_ns)
                if alarm is not None:
                    self._plan.renew(alarm_key, alarm, now_ns)
        self._delivery.settled_ns = found.settled_ns
        if late > self._figures.late:
            context = {"notices": late - self._figures.late}
            log.info("alarms of late data: nobody is notified", extra={"context": context})
        self._figures = PlanFigures(added, late)

    async def _record(self) -> None:
        """Have the writer record the messages that are over as events."""
        while True:
            try:
                for message in self._ledger.unrecorded():
                    await self._record_one(message)
                await asyncio.sleep(RECORD_S)
            except RequestError as error:
                context = {"reason": error.message}
                log.warning("cannot record notifications", extra={"context": context})
                await asyncio.sleep(RECORD_RETRY_S)

    async def _record_one(self, message: StoredMessage) -> None:
        message_id = message.content.message_id
        try:
            await self._recorder.record_notification(_sent_notification(message))
        except RequestError as error:
            if error.code != "badRequest":
                raise
            context = {"messageId": message_id, "reason": error.message}
            log.error("a notification is not recorded", extra={"context": context})
        self._ledger.set_recorded(message_id)

    async def _forget(self) -> None:
        while True:
            self._ledger.forget(timestamps.now() - KEEP_NS)
            await asyncio.sleep(FORGET_S)

    def metrics(self) -> Iterator[Metric]:
        """How many messages went where, and how many notices there were."""
        yield Metric(
            name="nova_notifications_total",
            kind="counter",
            help="Messages about alarms since the notifier started, by target and outcome",
            samples=[
                MetricSample(value=count, labels={"target": target, "outcome": outcome})
                for (target, outcome), count in sorted(self._delivery.outcomes.items())
            ],
        )
        yield Metric(
            name="nova_notices_late_total",
            kind="counter",
            help="Alarms for a target that were too old to be notified of",
            samples=[MetricSample(value=self._figures.late)],
        )
        yield Metric(
            name="nova_notifications_waiting",
            kind="gauge",
            help="Messages that are not sent yet, by target",
            samples=[
                MetricSample(value=count, labels={"target": target})
                for target, count in self._ledger.waiting_counts()
            ],
        )


def _sent_notification(message: StoredMessage) -> SentNotification:
    content, ended_ns = message.content, message.ended_ns
    assert ended_ns is not None
    return SentNotification(
        scope_id=content.alarms[0].scope_id,
        target=content.target,
        time=timestamps.text(ended_ns),
        message_id=content.message_id,
        kind=content.kind,
        rule=content.rule,
        outcome=cast("NotificationOutcome", message.state),
        attempts=message.attempts,
        alarms=msgspec.to_builtins(content.alarms),
        error=message.error,
    )
