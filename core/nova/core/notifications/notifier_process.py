"""The notifier process: sends notifications of alarms. It follows the derived database of alarms,
and no other process depends on it.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from nova.core.metrics.report import report_metrics
from nova.core.notifications.alarm_feed import AlarmFeed
from nova.core.notifications.message_delivery import MessageDelivery
from nova.core.notifications.notice_ledger import NoticeLedger
from nova.core.notifications.notice_plan import selects
from nova.core.notifications.notification_file import NotificationFile, read_notifications
from nova.core.notifications.notifier import Notifier
from nova.core.scratch import scratch_folder
from nova.core.server.submission_client import SubmissionClient
from nova.core.store.alarm_store import AlarmName
from nova.sdk import archive_id, endpoints, lifecycle
from nova.sdk.alarms.alarm_rule import SEVERITIES
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.errors import SettingsError
from nova.sdk.settings import Settings

OTHERS = 0o077
"""The mode bits of all users but the owner."""

log = logging.getLogger(__name__)


async def notify(settings: Settings, file: NotificationFile, served: ArchiveIdentity) -> None:
    """Notify until cancelled, and report metrics."""
    data = settings.data_folder()

    def is_selected(name: AlarmName) -> bool:
        return any(selects(rule, name, len(SEVERITIES)) for rule in file.rules)

    submissions = SubmissionClient(endpoints.writer_socket(data))
    ledger = NoticeLedger(data)
    try:
        with scratch_folder("notifier") as scratch:
            feed = AlarmFeed(data, scratch, settings.own_scope(), is_selected)
            notifier = Notifier(file, ledger, feed, MessageDelivery(file, ledger), submissions)
            try:
                await asyncio.gather(
                    notifier.run(),
                    archive_id.watch(data, served),
                    report_metrics("notifier", data, notifier.metrics),
                )
            finally:
                feed.close()
    finally:
        ledger.close()
        await submissions.close()


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Notify until a stop signal or a failure."""
    stop = lifecycle.stop_event(exit_with_stdin)
    data = settings.data_folder()
    if settings.notifications is None:
        raise SettingsError("notifications: name a notification file; see docs/notifications.md")
    path = Path(settings.notifications)
    file = read_notifications(path)
    if path.stat().st_mode & OTHERS:
        context = {"path": str(path), "remedy": "chmod 600"}
        log.warning("other users can read the notification file", extra={"context": context})
    served = archive_id.require_at_start(data, settings.archive)
    lifecycle.print_ready("notifier", data=str(data))
    log.info("notifier ready", extra={"context": {"targets": len(file.targets)}})
    await lifecycle.run_until_stopped(notify(settings, file, served), stop)
