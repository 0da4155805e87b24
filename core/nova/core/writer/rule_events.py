"""`AlarmRulePublished` events: they record the alarm rules of an instance in its archive, so that
the rule in effect at an event's time judges it, whatever the files say later.

A rule is published when its file differs from what was last published under its id, and withdrawn
when no file has it any more. A publication replaces what was to take effect after it. While a file
cannot be used nothing is withdrawn: its rules are among those that no other file has.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from nova.core.effect.history import (
    History,
    count_in_effect,
    event_times,
    newest,
    without_replaced,
)
from nova.core.ordering import TIMEBASES, time_of
from nova.core.store.archive import Archive
from nova.core.store.series_table import SeriesTable
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import SCOPE_TOKEN
from nova.sdk.alarms.alarm_rule import ALARM_RULE_PUBLISHED, AlarmRule, read_rule, rule_payload
from nova.sdk.alarms.alarm_rule_files import RuleFile
from nova.sdk.events.event import Event, Series, check
from nova.sdk.field_types import JsonObject
from nova.sdk.timestamps import NS_MAX, NS_MIN

FETCH_EVENTS = 100

log = logging.getLogger(__name__)


class RuleNews(NamedTuple):
    """The events that bring the archive's rules of a scope in line with files, and from when on in
    ns each rule is in effect that it has then.
    """

    events: list[Event]
    starts_ns: list[int]


RuleHistory = History[AlarmRule | None]
"""The publications of one rule; None withdraws it."""


class PublicationTimes(NamedTuple):
    """The source time of publications, and the time of effect of those that have none."""

    published_ns: int
    effective_ns: int | None = None

    @classmethod
    def after(cls, published: Iterable[RuleHistory], now_ns: int) -> PublicationTimes:
        """Now. The newest publication is what holds, so after a clock was set back it is dated
        behind those before, and takes effect now.
        """
        dated_ns = (newest(history.entries("source")).times.source_ns for history in published)
        newest_ns = max(dated_ns, default=NS_MIN)
        if now_ns > newest_ns:
            return cls(now_ns)
        return cls(min(newest_ns + 1, NS_MAX), now_ns)


def publish_rules(
    committer: Committer, archive: Archive, scope_id: str, files: Sequence[RuleFile], now_ns: int
) -> RuleNews:
    """Commit an event for each rule that differs from what the archive has. Called before any
    reader is served.
    """
    log_faults(files)
    news = rule_news(archive, scope_id, files, now_ns)
    if committer.record_all(news.events):
        committer.close_commit()
        log.info("alarm rules published", extra={"context": {"rules": len(news.events)}})
    return news


def log_faults(files: Sequence[RuleFile]) -> None:
    """Log the files that cannot be used."""
    for file in files:
        if file.faults:
            context = {"fault": file.fault, "remedy": "nova rules check"}
            log.error(f"alarm rules of {file.path} cannot be used", extra={"context": context})


def rule_news(archive: Archive, scope_id: str, files: Sequence[RuleFile], now_ns: int) -> RuleNews:
    """What files change of the archive's rules of a scope."""
    wanted: dict[str, AlarmRule | None] = {
        rule.rule_id: rule for file in files for rule in file.rules
    }
    published = published_rules(archive, scope_id)
    times = PublicationTimes.after(published.values(), now_ns)
    gone = (rule_id for rule_id in published if rule_id not in wanted)
    if any(file.faults for file in files):
        held = wanted | {rule_id: last_of(published[rule_id]) for rule_id in gone}
    else:
        held = wanted | dict.fromkeys(gone)
    events = [
        rule_event(scope_id, rule_id, rule, *times)
        for rule_id, rule in held.items()
        if rule_id not in published or not _says(published[rule_id], rule)
    ]
    starts_ns = [
        _start_ns(rule, published.get(rule_id), now_ns)
        for rule_id, rule in held.items()
        if rule is not None
    ]
    return RuleNews(events, starts_ns)


def _says(history: RuleHistory, rule: AlarmRule | None) -> bool:
    """Whether the newest publication in each timebase says what a file does."""
    return all(newest(history.entries(one)).value == rule for one in TIMEBASES)


def _start_ns(rule: AlarmRule, history: RuleHistory | None, now_ns: int) -> int:
    """From when on a version of a rule is in effect, NS_MIN if one is already."""
    entries = without_replaced(history.entries("source")) if history is not None else []
    count = count_in_effect(entries, now_ns)
    if rule.effective_time is None or (count and entries[count - 1].value is not None):
        return NS_MIN
    return timestamps.parse(rule.effective_time)


def unpublished_rules(
    archive: Archive, scope_id: str, files: Sequence[RuleFile], now_ns: int
) -> list[Event]:
    """The events that bring the archive's rules of a scope in line with files."""
    return rule_news(archive, scope_id, files, now_ns).events


def last_published(archive: Archive, scope_id: str) -> dict[str, AlarmRule | None]:
    """The rule of each id that a scope published last; None if it was withdrawn."""
    found = published_rules(archive, scope_id)
    return {rule_id: last_of(history) for rule_id, history in found.items()}


def last_of(history: RuleHistory) -> AlarmRule | None:
    """What was received last of a rule."""
    return newest(history.entries("canonical")).value


def published_rules(archive: Archive, scope_id: str) -> dict[str, RuleHistory]:
    """All that a scope has published, by rule."""
    table = SeriesTable()
    table.load(archive)
    number = table.number(rules_series(scope_id))
    found: dict[str, RuleHistory] = {}
    event_keys = archive.series.event_keys(number) if number is not None else iter(())
    while part := list(islice(event_keys, FETCH_EVENTS)):
        for key, stored in zip(part, archive.events.envelopes(part), strict=True):
            payload = None if stored is None else read_rule(stored)
            if stored is not None and payload is not None:
                times = event_times(time_of(key), stored)
                found.setdefault(payload.rule_id, History()).add(times, payload.rule)
    return found


def rules_series(scope_id: str) -> Series:
    """The series of all alarm rules of a scope."""
    ids = (SCOPE_TOKEN, SCOPE_TOKEN, SCOPE_TOKEN)
    return Series(scope_id, "metadata", *ids, ALARM_RULE_PUBLISHED, "")


def rule_event(
    scope_id: str,
    rule_id: str,
    rule: AlarmRule | None,
    published_ns: int,
    effective_ns: int | None = None,
) -> Event:
    """The event that publishes a rule (None: withdraws it) at a time; `effective_ns` is when a rule
    without effectiveTime takes effect, if not then.
    """
    envelope: JsonObject = {
        "scopeId": scope_id,
        "lane": "metadata",
        "systemId": SCOPE_TOKEN,
        "containerId": SCOPE_TOKEN,
        "uniqueId": SCOPE_TOKEN,
        "sourceTruthTime": timestamps.text(published_ns),
        "messageType": ALARM_RULE_PUBLISHED,
        "payload": rule_payload(rule_id, rule),
    }
    if rule is not None and rule.effective_time is not None:
        envelope["effectiveTime"] = rule.effective_time
    elif effective_ns is not None:
        envelope["effectiveTime"] = timestamps.text(effective_ns)
    return check(msgspec.json.encode(envelope))
