"""Gives the disk space of deleted events back to the file system.

A deletion is a row of its own. The space of both is free once a compaction has merged them, so the
ranges of the deleted days are compacted: in `canonical` and `source` that rewrites the files of
those days. Each file of the indexes of series spans all series and days, and the catalog holds
counts of all times; these are rewritten whole, and only after a share of all events was deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

from rocksdict import BottommostLevelCompaction, CompactOptions, Rdict

from nova.core.ordering import LAST_TAIL, time_key
from nova.core.store.archive import Archive
from nova.core.store.given_back import (
    RECLAIMED_KEY,
    DayGivenBack,
    Reclaimed,
    TimeSpan,
    encode_reclaimed,
)
from nova.core.store.keys import FAMILIES
from nova.core.store.options import UNIVERSAL_FAMILIES

WHOLE_SHARE = 0.02
"""Whole families are compacted after this share of the events that are held was deleted."""


def reclaim(archive: Archive) -> bool:
    """Compact what finished days have left; returns whether there was anything. It takes seconds
    to minutes, and releases the GIL: call it in a thread. If it is interrupted, the next call
    repeats it.
    """
    days = archive.given_back
    done = days.reclaimed()
    fresh = days.entries[done.days : days.finished]
    if not fresh:
        return False
    counters = archive.record.counters()
    for name in FAMILIES:  # What is in memory is not compacted.
        archive.families[name].flush()
    _compact_days(archive, fresh)
    indexed = done.indexed
    if counters.deleted - indexed >= WHOLE_SHARE * counters.held:
        for name in (*UNIVERSAL_FAMILIES, "catalog"):
            _compact(archive.families[name], None, None)
        indexed = counters.deleted
    batch = archive.batch()
    batch.put_record(RECLAIMED_KEY, encode_reclaimed(Reclaimed(days.finished, indexed)))
    archive.write(batch)
    return True


def _compact_days(archive: Archive, fresh: Sequence[DayGivenBack]) -> None:
    for start_ns, stop_ns in _joined([entry.span for entry in fresh]):
        _compact(archive.families["canonical"], time_key(start_ns), _after(stop_ns))
    spans = [span for entry in fresh for span in entry.source_spans]
    for start_ns, stop_ns in _joined(spans):
        _compact(archive.families["source"], time_key(start_ns), _after(stop_ns))


def _after(time_ns: int) -> bytes:
    return time_key(time_ns) + LAST_TAIL


def _joined(spans: Sequence[TimeSpan]) -> list[TimeSpan]:
    """Spans that touch or overlap joined."""
    joined: list[TimeSpan] = []
    for start_ns, stop_ns in sorted(spans):
        if joined and start_ns <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], stop_ns)
        else:
            joined.append((start_ns, stop_ns))
    return joined


def _compact(family: Rdict, lower: bytes | None, upper: bytes | None) -> None:
    options = CompactOptions()
    # Otherwise files at the bottom are left as they are, and the deleted rows are there.
    options.set_bottommost_level_compaction(BottommostLevelCompaction.force())
    # Compactions that ingest needs run beside it.
    options.set_exclusive_manual_compaction(False)
    family.compact_range(lower, upper, options)
