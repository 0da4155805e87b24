"""`AlarmRulePublished` events: they record the alarm rules of an instance in its archive, so that
the rule in effect at an event's time judges it, whatever the files say later.

A rule is published when its file differs from what was last published under its id, and withdrawn
when no file has it any more. While a file cannot be used nothing is withdrawn: its rules are among
those that no other file has.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from nova.core.store.archive import Archive
from nova.core.store.series_table import SeriesTable
from nova.core.writer.committer import Committer
from nova.sdk import timestamps
from nova.sdk.address import SCOPE_TOKEN
from nova.sdk.alarms.alarm_rule import ALARM_RULE_PUBLISHED, AlarmRule, read_rule, rule_payload
from nova.sdk.alarms.alarm_rule_files import RuleFile
from nova.sdk.events.event import Event, Series, check
from nova.sdk.field_types import JsonObject

FETCH_EVENTS = 100

log = logging.getLogger(__name__)


class RuleNews(NamedTuple):
    """The events that bring the archive's rules of a scope in line with files, and the number of
    rules that it has then.
    """

    events: list[Event]
    in_effect: int


def publish_rules(
    committer: Committer, archive: Archive, scope_id: str, files: Sequence[RuleFile], now_ns: int
) -> int:
    """Commit an event for each rule that differs from what the archive has; returns the number of
    rules in effect. Called before any reader is served.
    """
    log_faults(files)
    news = rule_news(archive, scope_id, files, now_ns)
    if committer.record_all(news.events):
        committer.close_commit()
        log.info("alarm rules published", extra={"context": {"rules": len(news.events)}})
    return news.in_effect


def log_faults(files: Sequence[RuleFile]) -> None:
    """Log the files that cannot be used."""
    for file in files:
        if file.faults:
            context = {"fault": file.fault, "remedy": "nova rules check"}
            log.error(f"alarm rules of {file.path} cannot be used", extra={"context": context})


def rule_news(archive: Archive, scope_id: str, files: Sequence[RuleFile], now_ns: int) -> RuleNews:
    """What files change of the archive's rules of a scope."""
    wanted = {rule.rule_id: rule for file in files for rule in file.rules}
    published = last_published(archive, scope_id)
    held = {rule_id for rule_id, rule in published.items() if rule is not None}
    events = [
        rule_event(scope_id, rule_id, rule, now_ns)
        for rule_id, rule in wanted.items()
        if published.get(rule_id) != rule
    ]
    if any(file.faults for file in files):
        return RuleNews(events, len(held | wanted.keys()))
    withdrawn = (rule_id for rule_id in published if rule_id in held and rule_id not in wanted)
    events += [rule_event(scope_id, rule_id, None, now_ns) for rule_id in withdrawn]
    return RuleNews(events, len(wanted))


def unpublished_rules(
    archive: Archive, scope_id: str, files: Sequence[RuleFile], now_ns: int
) -> list[Event]:
    """The events that bring the archive's rules of a scope in line with files."""
    return rule_news(archive, scope_id, files, now_ns).events


def last_published(archive: Archive, scope_id: str) -> dict[str, AlarmRule | None]:
    """The rule of each id that a scope published last; None if it was withdrawn."""
    table = SeriesTable()
    table.load(archive)
    number = table.number(rules_series(scope_id))
    found: dict[str, AlarmRule | None] = {}
    event_keys = archive.series.event_keys(number) if number is not None else iter(())
    while part := list(islice(event_keys, FETCH_EVENTS)):
        for stored in archive.events.envelopes(part):
            payload = read_rule(stored or b"{}")
            if payload is not None:
                found[payload.rule_id] = payload.rule
    return found


def rules_series(scope_id: str) -> Series:
    """The series of all alarm rules of a scope."""
    ids = (SCOPE_TOKEN, SCOPE_TOKEN, SCOPE_TOKEN)
    return Series(scope_id, "metadata", *ids, ALARM_RULE_PUBLISHED, "")


def rule_event(scope_id: str, rule_id: str, rule: AlarmRule | None, now_ns: int) -> Event:
    """The event that publishes a rule (None: withdraws it) at a time."""
    envelope: JsonObject = {
        "scopeId": scope_id,
        "lane": "metadata",
        "systemId": SCOPE_TOKEN,
        "containerId": SCOPE_TOKEN,
        "uniqueId": SCOPE_TOKEN,
        "sourceTruthTime": timestamps.text(now_ns),
        "messageType": ALARM_RULE_PUBLISHED,
        "payload": rule_payload(rule_id, rule),
    }
    if rule is not None and rule.effective_time is not None:
        envelope["effectiveTime"] = rule.effective_time
    return check(msgspec.json.encode(envelope))
