"""Whether an unfinished day is one that retention has begun. Whoever can write the archive can add
a record of a day; the writer deletes nothing by it that its rules and the day's seal do not allow.
"""

from __future__ import annotations

from collections.abc import Sequence

from nova.core.retention.due_days import due_until, first_time, sealed_events
from nova.core.retention.survey import DaySurvey
from nova.core.store.archive import Archive
from nova.core.store.given_back import DayGivenBack
from nova.core.store.series_table import SeriesTable
from nova.sdk.retention_rule import RetentionRule, rule_for
from nova.sdk.timestamps import NS_MIN


def series_of(series: SeriesTable, record: DayGivenBack) -> list[int]:
    """The numbers of the series of a day."""
    return [number for number, names in enumerate(series.names) if record.has_series(names)]


def refusal_by_rule(
    archive: Archive,
    series: SeriesTable,
    rules: Sequence[RetentionRule],
    record: DayGivenBack,
    now_ns: int,
) -> str | None:
    """Why no rule deletes this day now; None if one does."""
    rule = rule_for(rules, record.scope_id, record.lane)
    if rule is None:
        return "no rule of the setting `retention` is about this scope and lane"
    if record.span[1] > due_until(rule, now_ns):
        return f"the rule {rule} still keeps it"
    if record.removes_files and not rule.removes_files:
        return f"its record deletes daily files, which the rule {rule} keeps"
    sealed = sealed_events(archive, record.day, record.scope_id, record.lane)
    if sealed is None:
        return "the day is not sealed, or its seal lists no scopes and lanes"
    if sealed != record.events:
        return f"its record counts {record.events:,} events, but {sealed:,} were sealed"
    kept_ns = max((one.span[1] + 1 for one in _earlier(archive, record)), default=NS_MIN)
    rows = archive.series.seeker("canonical")
    if first_time(rows, series_of(series, record), kept_ns, record.span[0] - 1) is not None:
        return "there are events of earlier days, which are deleted first"
    return None


def refusal_by_content(archive: Archive, record: DayGivenBack, survey: DaySurvey) -> str | None:
    """Why the events that are there do not fit the record; None if they do."""
    stayed = sum(one.events - one.deleted for one in _earlier(archive, record))
    expected = stayed + record.events - record.deleted
    held = survey.earlier + survey.digest.events
    if held != expected:
        return f"by its record {expected:,} events are left, but {held:,} are there"
    if not record.deleted and survey.digest.text() != record.digest:
        return "its events do not have the digest of its record"
    return None


def _earlier(archive: Archive, record: DayGivenBack) -> list[DayGivenBack]:
    """The finished days of the same scope and lane."""
    lane = (record.scope_id, record.lane)
    entries = archive.given_back.entries
    return [one for one in entries if one.is_finished and (one.scope_id, one.lane) == lane]
