"""Chooses the access path of a filtered range: scan the timeline and filter, or merge the indexes
of the wanted series, whichever is estimated to cost less.

The selectivity of the filter is estimated from sampled timeline rows. The costs are those measured
in bench/results on one machine; only their ratios matter.
"""

from __future__ import annotations

from itertools import islice
from math import log2

from nova.core.ordering import Timebase, series_of_event_key, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter

SAMPLES = 4
SAMPLE_ROWS = 64
MERGED_MAX_SERIES = 48
"""More indexes are never merged, as every slice opens each of them."""

SCANNED_ROW_US = 0.25
MERGED_EVENT_US = 1.2
MERGED_LEVEL_US = 0.1
OPENED_SERIES_US = 0.02
"""Per event: opening an index takes 10 µs, spread over a slice of 500 events."""


def merge_is_cheaper(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    timebase: Timebase,
    lower: bytes,
    upper: bytes,
    *,
    merged_max_series: int = MERGED_MAX_SERIES,
) -> bool:
    """Whether merging series indexes costs less than a scan from `lower` to `upper`."""
    if event_filter.matches_all or event_filter.hides_only_audit:
        return False
    series = len(event_filter.numbers())
    if series > merged_max_series:
        return False
    if series == 0:
        return True
    sampled = wanted = 0
    side = timebase == "source"
    events = snapshot.archive.events
    for start in _sample_starts(snapshot, timebase, lower, upper):
        rows = events.scan(timebase, start, upper, expected_rows=SAMPLE_ROWS)
        for row in islice(rows, SAMPLE_ROWS):
            sampled += 1
            wanted += event_filter.matches_number(series_of_event_key(row[side]))
    merged_us = MERGED_EVENT_US + MERGED_LEVEL_US * log2(series) + OPENED_SERIES_US * series
    return wanted * merged_us < sampled * SCANNED_ROW_US


def _sample_starts(
    snapshot: ArchiveSnapshot, timebase: Timebase, lower: bytes, upper: bytes
) -> list[bytes]:
    """Keys at which samples start, at equal distances in time."""
    events = snapshot.archive.events
    oldest, newest = events.first(timebase, lower, upper), events.last(timebase, lower, upper)
    if oldest is None or newest is None:
        return []
    begin = time_of(oldest[0])
    length = time_of(newest[0]) - begin
    return [time_key(begin + length * number // SAMPLES) for number in range(SAMPLES)]
