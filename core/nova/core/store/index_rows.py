"""The rows that an event has in the index families, and the event that such a row points to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat

import numpy as np

from nova.core.ordering import (
    EVENT_ID_OFFSET,
    EVENT_KEY_BYTES,
    ORDER_KEY_BYTES,
    SERIES_BYTES,
    TIME_BYTES,
)
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import ID_HEAD_BYTES
from nova.core.store.row_table import RowTable, lines, table

INDEX_FAMILIES = ("source", "series_canonical", "series_source")
SERIES_TIME = slice(SERIES_BYTES, SERIES_BYTES + TIME_BYTES)
"""Where a series key has its time."""

ID_HEAD = slice(EVENT_ID_OFFSET, EVENT_ID_OFFSET + ID_HEAD_BYTES)
"""Where an order key has the part of the eventId that `series_source` stores."""

ROW_BYTES = {
    "source": (ORDER_KEY_BYTES, EVENT_KEY_BYTES),
    "series_canonical": (SERIES_BYTES + TIME_BYTES, 0),
    "series_source": (SERIES_BYTES + TIME_BYTES + ID_HEAD_BYTES, TIME_BYTES),
}
"""The sizes of key and value."""


def index_rows(
    family: str, event_keys: Sequence[bytes], source_keys: Sequence[bytes]
) -> list[KeyValue]:
    """The rows that events must have in an index family, in their order."""
    if family == "source":
        return list(zip(source_keys, event_keys, strict=True))
    if family == "series_canonical":
        return [(key[TIME_BYTES:] + key[:TIME_BYTES], b"") for key in event_keys]
    return [
        (event_key[TIME_BYTES:] + key[:TIME_BYTES] + key[ID_HEAD], event_key[:TIME_BYTES])
        for event_key, key in zip(event_keys, source_keys, strict=True)
    ]


def index_rows_of_table(
    event_table: RowTable, source_table: RowTable
) -> dict[str, Iterable[KeyValue]]:
    """`index_rows` of every family, in columns: the check of an archive needs them of every event.
    The tables have event keys and order keys.
    """
    times, series = event_table[:, :TIME_BYTES], event_table[:, TIME_BYTES:]
    in_source = np.hstack((series, source_table[:, :TIME_BYTES], source_table[:, ID_HEAD]))
    return {
        "source": zip(lines(source_table), lines(event_table), strict=True),
        "series_canonical": zip(lines(np.hstack((series, times))), repeat(b""), strict=False),
        "series_source": zip(lines(in_source), lines(times), strict=True),
    }


def series_rows(
    event_keys: Sequence[bytes], source_keys: Sequence[bytes]
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """The keys of events in `series_canonical` and in `series_source`, and the values of the
    latter, grouped by series in the order of their numbers.
    """
    events = table(b"".join(event_keys), EVENT_KEY_BYTES)
    numbers = np.ascontiguousarray(events[:, TIME_BYTES:]).view(">u4").ravel()
    order = np.argsort(numbers, kind="stable")
    events, in_source = events[order], table(b"".join(source_keys), ORDER_KEY_BYTES)[order]
    times, series = events[:, :TIME_BYTES], events[:, TIME_BYTES:]
    return (
        lines(np.hstack((series, times))),
        lines(np.hstack((series, in_source[:, :TIME_BYTES], in_source[:, ID_HEAD]))),
        lines(times),
    )


def times_of_rows(family: str, rows: Sequence[KeyValue]) -> list[bytes]:
    """The canonical times of the events of index rows, as time keys."""
    if family == "series_canonical":
        return [key[SERIES_TIME] for key, _ in rows]
    return [value[:TIME_BYTES] for _, value in rows]


def event_key_of_row(family: str, row: KeyValue) -> bytes | None:
    """The event key of an index row's event; None if the row is of a wrong size."""
    key, value = row
    if (len(key), len(value)) != ROW_BYTES[family]:
        return None
    if family == "source":
        return value
    time = key[SERIES_TIME] if family == "series_canonical" else value
    return time + key[:SERIES_BYTES]
