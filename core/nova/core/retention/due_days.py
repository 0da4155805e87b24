"""The days that are due: older than their rule keeps them, in order and without a gap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nova.core.store.archive import Archive
from nova.core.store.seal_reader import sealed_day
from nova.core.store.series_reader import SeriesSeeker
from nova.core.store.series_table import SeriesTable
from nova.core.utc_day import NS_PER_DAY, day_of, span_of
from nova.sdk.events.day_seal import SealGroup, group_of
from nova.sdk.retention_rule import RetentionRule, rule_for
from nova.sdk.timestamps import NS_MIN


class DueDay(NamedTuple):
    """A day of a scope and lane that its rule no longer keeps; `numbers` are its series. It is
    given back only if it is sealed, by a seal that lists the day's groups.
    """

    day: str
    scope_id: str
    lane: str
    rule: RetentionRule
    numbers: Sequence[int]
    is_sealed: bool
    is_listed: bool


def age_clock(archive: Archive, wall_ns: int) -> int:
    """The time in ns by which ages are measured: the wall clock, but neither after the newest event
    nor more than a day after the newest sealed day. So a clock that is set ahead makes nothing due
    before it has been wrong for as long as it takes to seal a day.
    """
    key = archive.record.newest_seal()
    seal = None if key is None else sealed_day(archive, key)
    sealed_ns = NS_MIN if seal is None else span_of(seal.day)[1] + 1 + NS_PER_DAY
    return min(wall_ns, archive.record.last_canonical_ns(), sealed_ns)


def is_sealed(archive: Archive, day: str) -> bool:
    """Whether a day is over and sealed, so that nothing of it can be changed unnoticed."""
    return archive.record.seal(day) is not None


def is_listed(archive: Archive, day: str) -> bool:
    """Whether the seal of a day lists its groups, so that it proves the others without one."""
    key = archive.record.seal(day)
    seal = None if key is None else sealed_day(archive, key)
    return seal is not None and seal.groups is not None


def sealed_events(archive: Archive, day: str, scope_id: str, lane: str) -> int | None:
    """How many events the seal of a day counts of a scope and lane; None if it is not sealed, or
    its seal does not list its groups.
    """
    key = archive.record.seal(day)
    seal = None if key is None else sealed_day(archive, key)
    if seal is None or seal.groups is None:
        return None
    wanted = SealGroup(scope_id, lane, is_own=False)
    return sum(one.events for one in seal.groups if one.group() == wanted)


def due_until(rule: RetentionRule, now_ns: int) -> int:
    """The last ns of the days that a rule no longer keeps."""
    return (now_ns // NS_PER_DAY - rule.days) * NS_PER_DAY - 1


def due_days(
    archive: Archive, series: SeriesTable, rules: Sequence[RetentionRule], now_ns: int
) -> Iterator[DueDay]:
    """The due days that have events, oldest first. Of each scope and lane the days after one that
    is not sealed, or whose seal lists no groups, are left out: only a gapless beginning is given
    back.
    """
    lanes: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, names in enumerate(series.names):
        if not group_of(names).is_own:
            lanes[names.scope_id, names.lane].append(number)
    found = [
        due
        for (scope_id, lane), numbers in lanes.items()
        if (rule := rule_for(rules, scope_id, lane)) is not None
        for due in _days_of(archive, series, rule, numbers, now_ns)
    ]
    yield from sorted(found, key=lambda due: (due.day, due.scope_id, due.lane))


def _days_of(
    archive: Archive,
    series: SeriesTable,
    rule: RetentionRule,
    numbers: Sequence[int],
    now_ns: int,
) -> Iterator[DueDay]:
    names = series.names[numbers[0]]
    until_ns = due_until(rule, now_ns)
    from_ns = archive.given_back.kept_from(names)
    rows = archive.series.seeker("canonical")
    while (first_ns := first_time(rows, numbers, from_ns, until_ns)) is not None:
        day = day_of(first_ns)
        sealed, listed = is_sealed(archive, day), is_listed(archive, day)
        yield DueDay(day, names.scope_id, names.lane, rule, numbers, sealed, listed)
        if not listed:
            return
        from_ns = span_of(day)[1] + 1


def first_time(
    rows: SeriesSeeker, numbers: Sequence[int], from_ns: int, until_ns: int
) -> int | None:
    """The time of the first event of some series in a range of canonical time."""
    if from_ns > until_ns:
        return None
    times = (rows.first_time(number, from_ns, until_ns) for number in numbers)
    return min((time_ns for time_ns in times if time_ns is not None), default=None)
