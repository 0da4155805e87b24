"""Puts changed rule files and definitions into effect while the writer runs: rules as at its start,
and the cards of definitions that are new. A file with a fault changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nova.core.configured_faults import listed_faults
from nova.core.definitions.definition_manifest import derived_manifests
from nova.core.store.archive import Archive
from nova.core.writer.committer import Committer
from nova.core.writer.day_removal import Submit
from nova.core.writer.manifest_events import published_event, reconcile
from nova.core.writer.rule_events import RuleNews, log_faults, publish_rules, rule_news
from nova.sdk import timestamps
from nova.sdk.alarms import own_process
from nova.sdk.alarms.alarm_rule_files import RuleFile, load_usable_rules
from nova.sdk.errors import NovaError
from nova.sdk.events.event import Event
from nova.sdk.protocol.health import ConfiguredFiles
from nova.sdk.watched_files import WatchedFiles

COMMIT_EVENTS = 500
"""Events of one write, so that thousands of rules do not hold up ingest."""

log = logging.getLogger(__name__)


class WriterWatches(NamedTuple):
    """The folders that the writer reads while it runs."""

    rules: WatchedFiles | None = None
    definitions: WatchedFiles | None = None


NO_WATCHES = WriterWatches()


class FileReload:
    """Follows the folders of rules and definitions that are given."""

    def __init__(
        self,
        committer: Committer,
        submit: Submit,
        rules: WatchedFiles | None = None,
        definitions: WatchedFiles | None = None,
        *,
        data: Path,
    ) -> None:
        self._data = data
        self._committer = committer
        self._submit = submit
        self._rules = rules
        self._definitions = definitions
        path = "" if rules is None else str(rules.path)
        self._starts_ns: list[int] = []
        self._used = ConfiguredFiles(kind="rules", path=path)

    @property
    def _archive(self) -> Archive:
        return self._committer.archive

    def configured(self) -> list[ConfiguredFiles]:
        """The rules in effect, if there is a folder of rules."""
        now_ns = time.time_ns()
        self._used.in_effect = sum(start_ns <= now_ns for start_ns in self._starts_ns)
        return [] if self._rules is None else [self._used]

    def start(self, files: Sequence[RuleFile]) -> None:
        """Publish rules before any reader is served."""
        scope, now_ns = self._committer.own_scope, time.time_ns()
        news = publish_rules(self._committer, self._archive, scope, files, now_ns)
        self._say(files, news)

    def _say(self, files: Sequence[RuleFile], news: RuleNews) -> None:
        self._starts_ns = news.starts_ns
        if news.starts_ns:
            self._have_alarms_judged()
        self._used.read_time = timestamps.text(timestamps.now())
        faults = [f"{file.path}: {fault}" for file in files for fault in file.faults]
        self._used.faults = listed_faults(faults)

    def _have_alarms_judged(self) -> None:
        """The sampler would too, when it gets there: it has the lowest priority."""
        try:
            own_process.request(self._data)
        except OSError as error:
            log.error("alarms may be judged late", extra={"context": {"reason": str(error)}})

    async def run(self) -> None:
        """Follow the files until cancelled."""
        await asyncio.gather(
            _follow(self._rules, self.reload_rules),
            _follow(self._definitions, self.publish_cards),
        )

    async def reload_rules(self) -> None:
        """Publish the rules that have changed, and withdraw those that no file has any more."""
        assert self._rules is not None
        scope, now_ns = self._committer.own_scope, time.time_ns()
        try:
            files = await asyncio.to_thread(load_usable_rules, self._rules.path)
            log_faults(files)
            news = await asyncio.to_thread(rule_news, self._archive, scope, files, now_ns)
        except NovaError as error:
            log.error("alarm rules stay as they were", extra={"context": {"error": str(error)}})
            self._used.faults = [str(error)]
            return
        await self._record(news.events)
        self._say(files, news)
        log.info("alarm rules read again", extra={"context": {"changed": len(news.events)}})

    async def publish_cards(self) -> None:
        """Publish the manifests of new definitions."""
        assert self._definitions is not None
        scope = self._committer.own_scope
        files = await asyncio.to_thread(derived_manifests, str(self._definitions.path))
        found = await asyncio.to_thread(reconcile, files, self._archive, scope)
        for conflict in found.conflicts:
            log.warning("manifest conflict", extra={"context": {"conflict": conflict}})
        await self._record([published_event(one, scope) for one in found.unpublished])

    async def _record(self, events: Sequence[Event]) -> None:
        for start in range(0, len(events), COMMIT_EVENTS):
            part = events[start : start + COMMIT_EVENTS]
            await self._submit(partial(Committer.record_all, events=part))


async def _follow(watched: WatchedFiles | None, read: Callable[[], Awaitable[None]]) -> None:
    while watched is not None:
        await watched.changed()
        await read()
