"""Stored events that the native part proves: it computes the eventId and the stored text of an
event from its content, like at ingest. Whatever it is not sure of is left to Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from nova.core.ordering import TIME_BYTES
from nova.core.store.key_value import KeyValue
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


class ProvedEvents(NamedTuple):
    """Rows by their places in a block, with the order keys of their events."""

    numbers: list[int]
    source_keys: list[bytes]


class NativeProof:
    """Proves events of the series that it has learned. `names` are the series by number."""

    def __init__(self, known: KnownStreams, names: Sequence[Series]) -> None:
        self._known = known
        self._names = names
        self._tails: list[bytes] = []
        """By stream, the series bytes of its events."""

        self._learned: Counter[bytes] = Counter()

    def proved(self, rows: Sequence[KeyValue], stamp_bytes: int) -> ProvedEvents:
        """The rows whose text up to the stamp, the last `stamp_bytes`, is that of an event of their
        series.
        """
        records = [(None, b"%b}" % stored[:-stamp_bytes], "") for _, stored in rows]
        found = self._known.check(records)
        unsure = set(found.unsure)
        sure = [number for number in range(len(rows)) if number not in unsure]
        proved = ProvedEvents([], [])
        columns = zip(sure, found.keys, found.streams, found.bodies, strict=True)
        for number, source_key, stream, body in columns:
            key, stored = rows[number]
            is_whole = len(stored) == len(body) + stamp_bytes and stored.startswith(body)
            if is_whole and key[TIME_BYTES:] == self._tails[stream]:
                proved.numbers.append(number)
                proved.source_keys.append(source_key)
        return proved

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
    """None without the native part."""
    known = known_streams(ENVELOPE_MAX_BYTES, STREAMS_MAX, {})
    return None if known is None else NativeProof(known, names)
