"""Chooses the access path of a filtered range: scan the timeline and filter, or merge the indexes
of the wanted series, whichever is estimated to cost less.

The selectivity of the filter is estimated from sampled timeline rows. The costs are those measured
in bench/results on one machine; only their ratios matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from math import log2

from nova.core.ordering import Timebase, series_of_event_key, time_key, time_of
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_filter import EventFilter
from nova.core.store.key_value import KeyValue

SAMPLES = 4
SAMPLE_ROWS = 64

SCANNED_ROW_US = 0.25
MERGED_EVENT_US = 1.2
MERGED_LEVEL_US = 0.1
OPENED_SERIES_US = 8.0
"""Of finding the next rows of a series in its index: of each series once per cursor, and again
whenever its rows are used up.
"""


def merge_is_cheaper(
    snapshot: ArchiveSnapshot,
    event_filter: EventFilter,
    timebase: Timebase,
    bounds: tuple[bytes, bytes],
    events: int,
) -> bool:
    """Whether the next `events` wanted events between two keys are found for less by merging series
    indexes than by a scan.
    """
    if event_filter.matches_all or event_filter.hides_only_audit:
        return False
    series = len(event_filter.numbers())
    if series == 0:
        return True
    sampled = wanted = rows = 0
    side = timebase == "source"
    for sample, in_part in _samples(snapshot, timebase, *bounds):
        rows += in_part
        sampled += len(sample)
        suffixes = [series_of_event_key(row[side]) for row in sample]
        wanted += sum(map(event_filter.matches_number, suffixes))
    if sampled == 0:
        return False
    # Of rows without a wanted one among them, the next might be the first.
    scanned = min(rows, events * sampled / (wanted or 0.5))
    return merge_costs_less(series, scanned, min(events, rows * wanted / sampled))


def merge_costs_less(series: int, scanned: float, events: float) -> bool:
    """Whether merging the indexes of `series` series up to `events` events costs less than a scan
    of `scanned` rows.
    """
    opened_us = OPENED_SERIES_US * (series + min(series, events))
    merged_us = MERGED_EVENT_US + MERGED_LEVEL_US * log2(series)
    return opened_us + merged_us * events < SCANNED_ROW_US * scanned


def _samples(
    snapshot: ArchiveSnapshot, timebase: Timebase, lower: bytes, upper: bytes
) -> Iterator[tuple[list[KeyValue], int]]:
    """Rows from starts at equal distances in time, and an estimate of how many rows there are from
    one start to the next.
    """
    events = snapshot.archive.events
    oldest, newest = events.first(timebase, lower, upper), events.last(timebase, lower, upper)
    if oldest is None or newest is None:
        return
    begin = time_of(oldest[0])
    length = time_of(newest[0]) - begin
    for number in range(SAMPLES):
        start = max(time_key(begin + length * number // SAMPLES), lower)
        rows = list(
            islice(events.scan(timebase, start, upper, expected_rows=SAMPLE_ROWS), SAMPLE_ROWS)
        )
        if rows:
            covered = time_of(rows[-1][0]) - time_of(rows[0][0])
            is_all = len(rows) < SAMPLE_ROWS
            share = 1.0 if is_all else length / SAMPLES / (covered or 1)
            yield rows, int(len(rows) * max(share, 1.0))
