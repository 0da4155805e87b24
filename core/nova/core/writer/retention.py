"""Retention in the writer: gives due days back periodically and on request, and reclaims their disk
space.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from aiohttp import web

from nova.core.retention.due_days import DueDay, age_clock, due_days, sealed_events
from nova.core.retention.retention_messages import (
    RetentionFailed,
    RetentionProgress,
    RetentionReply,
    decode_request,
    done_reply,
    encode,
)
from nova.core.retention.unfinished_day import refusal_by_content, refusal_by_rule, series_of
from nova.core.store.archive import Archive
from nova.core.store.given_back import DayGivenBack
from nova.core.store.reclaim import reclaim
from nova.core.utc_day import span_of
from nova.core.writer.committer import Committer
from nova.core.writer.day_export import DayExport
from nova.core.writer.day_removal import BY_RULE, DayRemoval, Requester, Submit
from nova.sdk import endpoints, timestamps
from nova.sdk.errors import NovaError
from nova.sdk.retention_rule import RetentionRule, retention_rules
from nova.sdk.settings import Settings
from nova.sdk.timestamps import NS_MAX, NS_MIN

INTERVAL_S = 600.0
RETRY_FIRST_S = 2.0

log = logging.getLogger(__name__)

Report = Callable[[RetentionProgress], Awaitable[None]]


async def no_report(_: RetentionProgress) -> None:
    """Report to nobody."""


class Retention:
    """Gives back days, one run at a time."""

    def __init__(
        self,
        committer: Committer,
        submit: Submit,
        rules: Sequence[RetentionRule],
        export: DayExport | None = None,
        files: Path | None = None,
        is_written: bool = True,
    ) -> None:
        """`files` is the folder of the daily files; days wait until those are written, if any
        process writes them.
        """
        self._committer = committer
        self._archive: Archive = committer.archive
        self._submit = submit
        self._rules = rules
        self._export = export
        self._files = files
        self._waits_for = files if is_written else None
        self._running = asyncio.Lock()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="reclaim")

    async def run(self, interval_s: float = INTERVAL_S) -> None:
        """Give back due days again and again until cancelled. A failure is logged and retried."""
        pause_s = RETRY_FIRST_S
        while True:
            try:
                await self.give_back(BY_RULE)
            except NovaError as error:
                # An export needs a reader, which starts after the writer.
                log.warning("days are not given back", extra={"context": {"why": str(error)}})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, interval_s)
            else:
                pause_s = RETRY_FIRST_S
                await asyncio.sleep(interval_s)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One run for `nova retention run`, with its progress."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)

        async def report(progress: RetentionProgress) -> None:
            await socket.send_bytes(encode(progress))

        asked = decode_request(await socket.receive_bytes())
        before = self._archive.bytes_on_disk()
        try:
            done = await self.give_back(Requester(asked.user, "local"), report)
            reply: RetentionReply = done_reply(done, before, self._archive.bytes_on_disk())
        except NovaError as error:
            reply = RetentionFailed(str(error))
        with contextlib.suppress(ConnectionError):
            await socket.send_bytes(encode(reply))
        await socket.close()
        return socket

    async def give_back(
        self, requester: Requester, report: Report = no_report
    ) -> list[DayGivenBack]:
        """Finish an interrupted day, and give back all days that are due and sealed."""
        async with self._running:
            done: list[DayGivenBack] = []
            resumed = await self._resume()
            if resumed is not None:
                done.append(resumed)
            for due in self._due():
                done.append(await self._give_back_day(due, requester, report))
            await report(RetentionProgress(step="reclaim"))
            loop = asyncio.get_running_loop()
            while await loop.run_in_executor(self._worker, reclaim, self._archive):
                pass
            return done

    async def _resume(self) -> DayGivenBack | None:
        """Finish an interrupted day, if it is one that retention would delete."""
        self._archive.given_back.refresh()
        record = self._archive.given_back.unfinished
        if record is None:
            return None
        removal = self._removal()
        series, archive = self._committer.series, self._archive
        now_ns = age_clock(archive, timestamps.now())
        reason = refusal_by_rule(archive, series, self._rules, record, now_ns)
        if reason is None:
            survey = await removal.survey(record.day, record.lane, series_of(series, record))
            reason = refusal_by_content(archive, record, survey)
        if reason is not None:
            raise NovaError(
                f"the deletion of {record.day} of {record.scope_id}/{record.lane} is unfinished "
                f"and is not continued: {reason}. Nothing more is deleted: if an operator has "
                "changed the setting `retention`, set it back until the day is finished; "
                "otherwise somebody else has written the record, so restore a backup"
            )
        return await removal.resume()

    def _removal(self) -> DayRemoval:
        return DayRemoval(self._committer, self._submit, files=self._files)

    def _due(self) -> list[DueDay]:
        if not self._rules:
            return []
        now_ns = age_clock(self._archive, timestamps.now())
        found = due_days(self._archive, self._committer.series, self._rules, now_ns)
        written_ns = NS_MAX if self._waits_for is None else written_until(self._waits_for)
        return [due for due in found if due.is_listed and span_of(due.day)[1] <= written_ns]

    async def _give_back_day(
        self, due: DueDay, requester: Requester, report: Report
    ) -> DayGivenBack:
        removal = self._removal()
        survey = await removal.survey(due.day, due.lane, due.numbers)
        sealed = sealed_events(self._archive, due.day, due.scope_id, due.lane)
        if sealed != survey.digest.events:
            raise NovaError(
                f"{due.day} of {due.scope_id}/{due.lane} has {survey.digest.events} events, but "
                f"{sealed} were sealed. Nothing of it is deleted: run `nova verify`"
            )
        start = RetentionProgress(
            step="delete",
            day=due.day,
            scope_id=due.scope_id,
            lane=due.lane,
            events=survey.digest.events,
        )
        await report(start)
        if self._export is not None:
            await self._export.export(due, survey)
        record = await removal.give_back(due, requester, survey)
        log.info("day given back", extra={"context": _context(record)})
        return record

    def close(self) -> None:
        """Wait for a running compaction."""
        self._worker.shutdown(wait=True, cancel_futures=True)


def _context(record: DayGivenBack) -> dict[str, object]:
    return {
        "day": record.day,
        "scopeId": record.scope_id,
        "lane": record.lane,
        "deleted": record.deleted,
        "digest": record.digest,
        "files": record.files,
    }


class _FilesProgress(msgspec.Struct, rename="camel"):
    """The members of the state file of the daily files that say how far they are written."""

    cursor_ns: int = NS_MIN
    day: str = ""
    is_closing: bool = False


def written_until(files: Path) -> int:
    """The canonical time in ns up to which the daily files are written; NS_MIN before the first,
    and if their state cannot be read. A day whose files are being finished is not written yet.
    """
    try:
        content = (files / endpoints.FILES_STATE_FILE).read_bytes()
        progress = msgspec.json.decode(content, type=_FilesProgress)
        return span_of(progress.day)[0] - 1 if progress.is_closing else progress.cursor_ns
    except (OSError, msgspec.DecodeError, NovaError):
        return NS_MIN


def retention_of(settings: Settings, committer: Committer, submit: Submit) -> Retention:
    """The retention that the settings ask for."""
    folder = settings.retention_export
    return Retention(
        committer,
        submit,
        retention_rules(settings.retention),
        None if folder is None else DayExport(settings.data_folder(), Path(folder)),
        settings.files_folder(),
        is_written=bool(settings.chosen_drivers()),
    )
