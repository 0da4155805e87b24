"""Stored events that the native part proves: it computes the eventId and the stored text of an
event from its content, like at ingest. Whatever it is not sure of is left to Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nova.core.ordering import ORDER_KEY_BYTES, TIME_BYTES
from nova.core.store.key_value import KeyValue
from nova.core.store.row_table import RowTable, table
from nova.sdk.events.event import ENVELOPE_MAX_BYTES, Series, check_stored
from nova.sdk.events.event_id import hashed_head
from nova.sdk.events.known_streams import KnownStreams, known_streams
from nova.sdk.events.series import hashed_ids

KNOWN_LANES = frozenset(("raw", "parsed", "ui"))
STREAMS_MAX = 65_536
LEARNED_MAX_PER_SERIES = 16
"""Versions of a series' schema or manifest that are learned. What is left to Python in spite of
that is not looked at again and again.
"""


class ProvedRows(NamedTuple):
    """Which rows of a block are proved, and the order keys of their events; zeros of the others."""

    is_right: NDArray[np.bool_]
    source_table: RowTable


class NativeProof:
    """Proves events of the series that it has learned. `names` are the series by number."""

    def __init__(self, known: KnownStreams, names: Sequence[Series]) -> None:
        self._known = known
        self._names = names
        self._tails: list[bytes] = []
        """By stream, the series bytes of its events."""

        self._learned: Counter[bytes] = Counter()

    def proved(self, rows: list[KeyValue]) -> ProvedRows:
        """The rows that are those of events of their series in every byte."""
        is_right, source_keys = self._known.prove(rows, b"".join(self._tails))
        return ProvedRows(
            np.frombuffer(is_right, np.bool_).copy(), table(source_keys, ORDER_KEY_BYTES).copy()
        )

    def learn(self, row: KeyValue) -> None:
        """Learn the stream of an event that Python has proved."""
        key, stored = row
        tail = key[TIME_BYTES:]
        series = self._names[int.from_bytes(tail, "big")]
        if series.lane not in KNOWN_LANES or self._learned[tail] >= LEARNED_MAX_PER_SERIES:
            return
        self._learned[tail] += 1
        event, _ = check_stored(stored)
        head = hashed_head(series.scope_id, series.lane, hashed_ids(series), series.message_type)
        if self._known.learn(None, event.envelope, event, head):
            self._tails.clear()
        if len(self._known.series) > len(self._tails):
            self._tails.append(tail)


def native_proof(names: Sequence[Series]) -> NativeProof | None:
    """None without the native part, and where it proves nothing."""
    known = known_streams(ENVELOPE_MAX_BYTES, STREAMS_MAX, {})
    return NativeProof(known, names) if known is not None else None
