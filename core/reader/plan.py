"""Chooses the access path of a filtered range: scan the timeline and filter, or merge the indexes
of the wanted series, whichever is estimated to cost less.

The selectivity of the filter is estimated from sampled timeline rows. The costs are those measured
in bench/results on one machine; only their ratios matter.
"""

from __future__ import annotations

from itertools import islice
from math import log2

from core.ordering import Timebase, series_of, time_key, time_of
from core.reader.selection import Selection
from core.reader.view import View
from core.store.scan import first, last, scan

SAMPLES = 4
SAMPLE_ROWS = 64
MERGED_MAX_SERIES = 48
"""More indexes are never merged, as every slice opens each of them."""

SCANNED_ROW_US = 0.25
MERGED_EVENT_US = 1.2
MERGED_LEVEL_US = 0.1
OPENED_SERIES_US = 0.02
"""Per event: opening an index takes 10 µs, spread over a slice of 500 events."""


def merging_is_cheaper(
    view: View, selection: Selection, timebase: Timebase, lower: bytes, upper: bytes
) -> bool:
    """Whether merging series indexes costs less than a scan from `lower` to `upper`."""
    if selection.everything:
        return False
    series = len(selection.numbers())
    if series > MERGED_MAX_SERIES:
        return False
    if series == 0:
        return True
    sampled = wanted = 0
    side = timebase == "source"
    family = view.archive.families[timebase]
    for start in _starts(view, timebase, lower, upper):
        for row in islice(scan(family, start, upper, want=SAMPLE_ROWS), SAMPLE_ROWS):
            sampled += 1
            wanted += selection.has(series_of(row[side]))
    merged_us = MERGED_EVENT_US + MERGED_LEVEL_US * log2(series) + OPENED_SERIES_US * series
    return wanted * merged_us < sampled * SCANNED_ROW_US


def _starts(view: View, timebase: Timebase, lower: bytes, upper: bytes) -> list[bytes]:
    """Keys at which samples start, at equal distances in time."""
    family = view.archive.families[timebase]
    oldest, newest = first(family, lower, upper), last(family, lower, upper)
    if oldest is None or newest is None:
        return []
    begin = time_of(oldest[0])
    length = time_of(newest[0]) - begin
    return [time_key(begin + length * number // SAMPLES) for number in range(SAMPLES)]
