"""Takes deleted events out of the samples: computes the rows of their times again.

Of minimum and maximum nothing can be subtracted, so the finest rows of these times are computed
from the events that are left, and wider rows from finer ones, like when they were made. Rows of
other times are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise

from nova.core.derived.sample_fold import Rows, merge_rows, merge_sets, rows_of, widen
from nova.core.ordering import Timebase, time_of, unsigned_time
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.event_key import EventKey, event_keys
from nova.core.query.fields import NumericFields, numeric_fields
from nova.core.query.lookup import look_up
from nova.core.query.range_cursor import SLICE_MAX_BYTES
from nova.core.store.given_back import DayGivenBack, TimeSpan
from nova.core.store.rollup import bucket_of, bucket_time
from nova.core.store.sample_store import (
    SampleStore,
    decode_row,
    encode_row,
    levels_from,
    row_head,
)
from nova.sdk.timestamps import NS_MAX, NS_MIN

ROWS_MAX = 5_000
"""Rows read and written at once."""

FieldNumbers = Callable[[NumericFields], tuple[tuple[int, ...], Sequence[float]]]
"""The numbers of an event's fields, and their values."""


class SampleTrim:
    """Trims the samples of single series up to the sampler's cursor."""

    def __init__(self, snapshot: ArchiveSnapshot, store: SampleStore, cursor_ns: int) -> None:
        self._snapshot = snapshot
        self._store = store
        self._cursor_ns = cursor_ns

    def trim(
        self,
        number: int,
        finest: dict[Timebase, int],
        fields_of: FieldNumbers,
        entry: DayGivenBack,
    ) -> Iterator[int]:
        """Trim a series by a day; yields 0 at pauses. It may be repeated."""
        spans: dict[Timebase, Sequence[TimeSpan]] = {
            "source": entry.source_spans,
            # Nothing before the end of the day is left but what states need.
            "canonical": [(NS_MIN, entry.span[1])],
        }
        for timebase, level in finest.items():
            for span in spans[timebase]:
                yield from self._trim_span(number, timebase, level, fields_of, span)

    def _trim_span(
        self,
        number: int,
        timebase: Timebase,
        finest: int,
        fields_of: FieldNumbers,
        span: TimeSpan,
    ) -> Iterator[int]:
        first, last = (unsigned_time(at_ns) >> finest for at_ns in span)
        head = row_head(number, timebase, finest)
        self._delete(head, finest, first, last)
        keys = self._sampled_keys(number, timebase, first << finest, ((last + 1) << finest) - 1)
        while part := list(islice(keys, ROWS_MAX)):
            rows = self._rows_of(part, finest, fields_of)
            self._add_rows(head, finest, rows)
            yield 0
        levels = levels_from(finest)
        for finer, level in pairwise(levels):
            first, last = first >> levels.step, last >> levels.step
            yield from self._widen(number, timebase, (finer, level), (first, last))

    def _sampled_keys(
        self, number: int, timebase: Timebase, start: int, stop: int
    ) -> Iterator[EventKey]:
        """The keys of the events in a range of unsigned times that were sampled before."""
        zero = unsigned_time(0)
        start_ns, stop_ns = start - zero, min(stop - zero, NS_MAX)
        keys = event_keys(
            self._snapshot, number, timebase, stop_ns, reverse=False, from_ns=start_ns
        )
        return (key for key in keys if time_of(key.canonical_key) <= self._cursor_ns)

    def _rows_of(self, keys: Sequence[EventKey], level: int, fields_of: FieldNumbers) -> Rows:
        sets: list[Rows] = []
        start = 0
        while start < len(keys):
            wanted = [key.canonical_key for key in keys[start:]]
            stored = look_up(self._snapshot.archive, wanted, sorted(wanted), SLICE_MAX_BYTES)
            for key, envelope in zip(keys[start:], stored, strict=False):
                fields, values = fields_of(numeric_fields(envelope))
                if fields:
                    sets.append(rows_of(fields, [unsigned_time(key.time_ns) >> level], [values]))
            start += len(stored)
        return merge_sets(sets) if sets else {}

    def _add_rows(self, head: bytes, level: int, rows: Rows) -> None:
        """Merge rows into the stored ones."""
        keys = {head + bucket_time(bucket, level): row for bucket, row in rows.items()}
        stored = self._store.get_many(list(keys))
        self._store.write(
            (key, encode_row(row if value is None else merge_rows([decode_row(value), row])))
            for (key, row), value in zip(keys.items(), stored, strict=True)
        )

    def _widen(
        self, number: int, timebase: Timebase, levels: tuple[int, int], buckets: tuple[int, int]
    ) -> Iterator[int]:
        """Compute the rows of the wider of two levels from those of the finer one."""
        (finer, level), (first, last) = levels, buckets
        head, steps = row_head(number, timebase, level), level - finer
        self._delete(head, level, first, last)
        start, stop = first << steps, (last + 1) << steps
        finer_head = row_head(number, timebase, finer)
        while start < stop:
            found = self._store.rows(finer_head, finer, start, stop, ROWS_MAX)
            rows = {bucket_of(key, finer): decode_row(value) for key, value in found}
            self._add_rows(head, level, widen(rows, steps))
            yield 0
            if len(found) < ROWS_MAX:
                return
            start = bucket_of(found[-1][0], finer) + 1

    def _delete(self, head: bytes, level: int, first: int, last: int) -> None:
        lower, upper = head + bucket_time(first, level), head + bucket_time(last, level)
        self._store.delete_range(lower, upper + b"\0")
