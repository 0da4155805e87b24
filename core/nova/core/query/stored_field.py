"""One field of a series: its column in the samples, and its values in events that are behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from nova.core.errors import RequestError
from nova.core.ordering import Timebase
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.derived_reader import DerivedReader
from nova.core.query.event_key import event_keys, event_times
from nova.core.query.field_columns import field_columns
from nova.core.query.field_values import FieldValuesPart
from nova.core.query.lookup import look_up
from nova.core.store.column_rows import ColumnRows
from nova.core.store.sample_store import FIELDS_MAX, FieldColumn, SampledSeries, SampleStore
from nova.sdk.timestamps import NS_MAX

PART_MAX_BYTES = 4 * 1024 * 1024
UNKNOWN_MAX_EVENTS = 1_500
"""Newest events that are read to see whether a field exists."""

NO_VALUES = FieldValuesPart(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


class StoredField(NamedTuple):
    """A field to be scanned. `column`: None if only the tail has it. `texts` of an enumerated field
    by position, None of numbers. `is_behind`: the newest values are missing. `is_known`: an event
    of the series has the field, or one that is not read may have it.
    """

    rows: ColumnRows
    record: SampledSeries
    column: int | None
    texts: list[str] | None
    is_boolean: bool
    tail: FieldValuesPart
    is_behind: bool
    is_known: bool


def current_samples(
    derived: DerivedReader[SampleStore], snapshot: ArchiveSnapshot
) -> SampleStore | None:
    """The samples, unless they may still hold values of deleted events."""
    store = derived.current()
    state = None if store is None else store.state()
    if state is None or state.given_back != snapshot.archive.given_back.finished:
        return None
    return store


def stored_field(
    snapshot: ArchiveSnapshot,
    store: SampleStore | None,
    series: int,
    field: tuple[str, bool | None],
    timebase: Timebase,
    tail_max_events: int,
) -> StoredField:
    """A field by its path, and whether it is text (None: if it has no numbers). Raises RequestError
    if it has values that are not stored as a column.
    """
    record = None if store is None else store.series(series)
    record = record or SampledSeries()
    stored, is_behind = _tail(snapshot, series, record.until_ns, tail_max_events)
    source, found = field_columns([envelope for _, envelope in stored])
    path, is_text = field
    if is_text is None:
        numbers = FieldColumn(path, is_text=False)
        is_text = numbers not in found and record.number_of(path) is None
    column, texts = _column(record, path, is_text)
    values = found.get(FieldColumn(path, is_text))
    is_boolean = column is None or column in record.booleans
    if is_behind or values is None:
        tail = NO_VALUES
    else:
        is_boolean = is_boolean and values.is_boolean
        arrivals = event_times([key for key, _ in stored])
        times = source if timebase == "source" else arrivals
        numbered = values.column.values
        if values.texts is not None:
            texts = list(dict.fromkeys([*(texts or ()), *values.texts]))
            places = np.array([texts.index(text) for text in values.texts], np.float64)
            numbered = places[numbered.astype(np.int64)]
        tail = FieldValuesPart(values.column.at(times), values.column.at(arrivals), numbered)
    rows = ColumnRows(lambda keys: [None] * len(keys)) if store is None else store.columns
    known = texts or [] if is_text else None
    is_known = is_behind or any(one.path == path for one in (*record.columns, *found))
    return StoredField(rows, record, column, known, is_boolean, tail, is_behind, is_known)


def unknown_fields(
    snapshot: ArchiveSnapshot,
    record: SampledSeries,
    series: int,
    paths: Sequence[str],
    tail_max_events: int = UNKNOWN_MAX_EVENTS,
) -> list[str]:
    """Those of the paths that no event of a series has; none if too many are to be read for it."""
    sampled = {column.path for column in record.columns}
    missing = [path for path in paths if path not in sampled]
    if not missing:
        return []
    stored, is_behind = _tail(snapshot, series, record.until_ns, tail_max_events)
    if is_behind:
        return []
    _, found = field_columns([envelope for _, envelope in stored])
    newest = {column.path for column in found}
    return [path for path in missing if path not in newest]


def _column(record: SampledSeries, path: str, is_text: bool) -> tuple[int | None, list[str] | None]:
    """The number of a field's column, and its texts."""
    column = record.number_of(path, is_text=is_text)
    if column is not None:
        texts = record.texts.get(column)
        if is_text and texts is None:
            raise RequestError(
                "notSampled", f"field: {path!r} is free text, of which no column is stored"
            )
        return column, texts
    if sum(one.is_text == is_text for one in record.columns) >= FIELDS_MAX:
        raise RequestError(
            "notSampled",
            f"field: {path!r} is not stored: only the first {FIELDS_MAX} fields of a series are",
        )
    return None, None


def _tail(
    snapshot: ArchiveSnapshot, series: int, until_ns: int, max_events: int
) -> tuple[list[tuple[bytes, bytes]], bool]:
    """The events of a series after a time, none of them if they are more than given; whether there
    are more.
    """
    found = event_keys(snapshot, series, "canonical", NS_MAX, reverse=False, from_ns=until_ns + 1)
    keys = [row.canonical_key for row in islice(found, max_events + 1)]
    if len(keys) > max_events:
        return [], True
    return list(_read(snapshot, keys)), False


def _read(snapshot: ArchiveSnapshot, keys: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    while keys:
        stored = look_up(snapshot.archive, keys, keys, PART_MAX_BYTES)
        yield from zip(keys, stored, strict=False)
        keys = keys[len(stored) :]
