"""Alarm books: the rules and limits of an archive, and what a new one of them changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nova.core.alarms.limit_book import LimitBook
from nova.core.alarms.rule_book import RuleBook
from nova.core.derived.alarm_wiring import AlarmWiring
from nova.core.effect.history import EventTimes, earliest_change, event_times
from nova.core.effect.published import MANIFEST_TYPE
from nova.core.ordering import TIMEBASES, Timebase, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.store.alarm_store import AlarmName, rule_row
from nova.core.store.key_value import KeyValue
from nova.sdk.alarms.alarm_rule import ALARM_RULE_PUBLISHED
from nova.sdk.events.event import Series
from nova.sdk.manifests.manifest import read_published
from nova.sdk.timestamps import NS_MIN

LIMITS_SCOPE = ""
"""In an alarm's name: it is of the limits of manifests."""


class Rejudged(NamedTuple):
    """Which alarms are judged again, and from which time on in each timebase."""

    numbers: Sequence[int]
    from_ns: dict[Timebase, int]


class AlarmBooks:
    """The rules and limits that were received up to a time."""

    def __init__(self, snapshot: ArchiveSnapshot, own_scope: str) -> None:
        self._snapshot = snapshot
        self.rules = RuleBook(own_scope)
        self.limits = LimitBook(own_scope)
        self.rows: list[KeyValue] = []
        """Rows of rules that are not written yet."""

    def load(self, until_ns: int, wiring: AlarmWiring) -> None:
        """Read all that was received up to a time."""
        archive = self._snapshot.archive
        found: list[tuple[bytes, Series]] = []
        for number, series in enumerate(self._snapshot.series.names):
            if is_of_books(series):
                keys = archive.series.event_keys(number, NS_MIN, until_ns)
                found += ((key, series) for key in keys)
        for key, series in sorted(found):
            stored = archive.events.envelope(key)
            if stored is not None:
                self.add(series, time_of(key), stored, wiring)
        self.rows.clear()

    def add(
        self, series: Series, canonical_ns: int, stored: bytes, wiring: AlarmWiring
    ) -> Rejudged | None:
        """Add the rule or the manifest of an event; returns what has to be judged again."""
        if series.message_type == ALARM_RULE_PUBLISHED:
            version = self.rules.add(canonical_ns, stored)
            if version is None:
                return None
            self.rows.append(rule_row(canonical_ns, stored))
            changed_ns = {one: earliest_change(version.times.order(one)) for one in TIMEBASES}
            return Rejudged(wiring.of_rule(*version.key), changed_ns)
        manifest = read_published(stored)
        if manifest is None:
            return None
        times = event_times(canonical_ns, stored)
        if not self.limits.add(series.scope_id, times, manifest):
            return None
        return _rejudged(wiring.of_view(manifest.view_id), times)

    def names_for(self, series: Series) -> Iterator[AlarmName]:
        """The alarms that a series has."""
        yield from self.rules.names_for(series)
        if series.lane == "ui":
            for key in sorted(self.limits.keys(series.view_id)):
                yield AlarmName(LIMITS_SCOPE, f"{series.view_id}:{key}", series, key)


def _rejudged(numbers: Sequence[int], times: EventTimes) -> Rejudged:
    return Rejudged(numbers, {timebase: times.order(timebase)[0] for timebase in TIMEBASES})


def is_of_books(series: Series) -> bool:
    """Whether the events of a series are rules or manifests."""
    return series.lane == "metadata" and series.message_type in (
        ALARM_RULE_PUBLISHED,
        MANIFEST_TYPE,
    )
