"""The notifier process: sends notifications of alarms. It follows the derived database of alarms,
and no other process depends on it.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from nova.core.metrics.report import report_metrics
from nova.core.notifications.alarm_feed import AlarmFeed
from nova.core.notifications.followed_file import NOBODY, FollowedFile
from nova.core.notifications.message_delivery import MessageDelivery
from nova.core.notifications.notice_ledger import NoticeLedger
from nova.core.notifications.notice_plan import selects
from nova.core.notifications.notification_file import NotificationFile
from nova.core.notifications.notifier import Notifier
from nova.core.notifications.route_outcomes import routes_of
from nova.core.scratch import scratch_folder
from nova.core.server.submission_client import SubmissionClient
from nova.core.store.alarm_store import AlarmName
from nova.sdk import archive_id, endpoints, lifecycle
from nova.sdk.alarms.alarm_rule import SEVERITIES
from nova.sdk.archive_id import ArchiveIdentity
from nova.sdk.background_task import run_until_first
from nova.sdk.errors import SettingsError
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.settings import Settings

log = logging.getLogger(__name__)


class NotifierProcess:
    """Notifies by the file in effect, with one ledger; `live` follows the file."""

    def __init__(
        self,
        settings: Settings,
        live: FollowedFile,
        ledger: NoticeLedger,
        recorder: SubmissionClient,
    ) -> None:
        self._data = settings.data_folder()
        self._own_scope = settings.own_scope()
        self._live = live
        self._ledger = ledger
        self._recorder = recorder

    async def run(self, served: ArchiveIdentity) -> None:
        """Notify until cancelled; with another file, begin again where the one before ended."""
        while True:
            with scratch_folder("notifier") as scratch:
                await run_until_first(self._notify(scratch, served), self._live.changed())
            log.info(
                "notification file read again", extra={"context": {"path": str(self._live.path)}}
            )

    async def _notify(self, scratch: Path, served: ArchiveIdentity) -> None:
        file = self._live.used
        delivery = MessageDelivery(file or NOBODY, self._ledger)

        def is_selected(name: AlarmName) -> bool:
            return any(selects(rule, name, len(SEVERITIES)) for rule in (file or NOBODY).rules)

        feed = AlarmFeed(self._data, scratch, self._own_scope, is_selected)
        notifier = Notifier(file or NOBODY, self._ledger, feed, delivery, self._recorder)

        def configured() -> list[ConfiguredFiles]:
            return [configured_routes(self._live, file, delivery)]

        # Without a file nothing is read, so that nothing is lost when there is one.
        working = [notifier.run()] if file is not None else []
        try:
            await asyncio.gather(
                *working,
                archive_id.watch(self._data, served),
                report_metrics("notifier", self._data, notifier.metrics, configured=configured),
            )
        finally:
            feed.close()


def configured_routes(
    live: FollowedFile, file: NotificationFile | None, delivery: MessageDelivery
) -> ConfiguredFiles:
    """The routes in effect with their last outcomes, and the faults of the file."""
    return ConfiguredFiles(
        kind="notifications",
        path=str(live.path),
        in_effect=0 if file is None else len(list(routes_of(file))),
        read_time=live.read_time or None,
        faults=live.faults,
        parts=[] if file is None else delivery.routes.parts(file),
    )


async def serve(settings: Settings, *, exit_with_stdin: bool = False) -> None:
    """Notify until a stop signal or a failure."""
    stop = lifecycle.stop_event(exit_with_stdin)
    data = settings.data_folder()
    if settings.notifications is None:
        raise SettingsError("notifications: name a notification file; see docs/notifications.md")
    live = FollowedFile(Path(settings.notifications))
    served = archive_id.require_at_start(data, settings.archive)
    ledger = NoticeLedger(data)
    submissions = SubmissionClient(endpoints.writer_socket(data))
    try:
        lifecycle.print_ready("notifier", data=str(data))
        targets = 0 if live.used is None else len(live.used.targets)
        log.info("notifier ready", extra={"context": {"targets": targets}})
        process = NotifierProcess(settings, live, ledger, submissions)
        await lifecycle.run_until_stopped(process.run(served), stop)
    finally:
        ledger.close()
        await submissions.close()
