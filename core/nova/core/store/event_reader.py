"""Reads the events of an archive: by key, and by range in the order of a timebase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

from nova.core.ordering import EVENT_KEY_BYTES, LAST_TAIL, TIME_BYTES, Timebase, time_key
from nova.core.store.families import Families
from nova.core.store.given_back import ORIGIN_KEY
from nova.core.store.key_value import Block, KeyValue
from nova.core.store.scan import (
    first_row,
    growing_counts,
    last_row,
    scan,
    scan_blocks,
    scan_keys,
    scan_small_rows,
)

FIRST_KEY = b""
LAST_KEY = b"\xff" * TIME_BYTES + LAST_TAIL
"""The bounds of a whole timeline: no event's key is before the first or after the last."""


class EventReader:
    """A timeline has one row per event. In canonical time it is the event key with the stored
    envelope, in source time the order key with the event key. Both bounds of a range are included.
    """

    def __init__(self, families: Families) -> None:
        self._families = families

    def scan(
        self,
        timebase: Timebase,
        lower: bytes = FIRST_KEY,
        upper: bytes = LAST_KEY,
        *,
        reverse: bool = False,
        expected_rows: int | None = None,
    ) -> Iterator[KeyValue]:
        """The rows of a range, in order or backwards. Raises ArchiveDamagedError if they cannot be
        read to the end.
        """
        family = self._families[timebase]
        return scan(family, lower, upper, reverse=reverse, expected_rows=expected_rows)

    def scan_blocks(
        self,
        timebase: Timebase,
        lower: bytes,
        upper: bytes,
        *,
        reverse: bool = False,
        expected_rows: int | None = None,
    ) -> Iterator[Block]:
        """`scan` in blocks of rows, which is faster. The second block ends at `expected_rows`, the
        number of rows that the caller expects to use.
        """
        family = self._families[timebase]
        if timebase == "canonical":
            return scan_blocks(family, lower, upper, reverse=reverse, expected_rows=expected_rows)
        counts = growing_counts(expected_rows)
        blocks = scan_small_rows(family, lower, upper, counts, reverse=reverse)
        return ((rows, len(rows) * EVENT_KEY_BYTES) for rows in blocks)

    def last_times(
        self, timebase: Timebase, until_ns: int, received_by: bytes, rows: int
    ) -> Iterator[dict[bytes, bytes]]:
        """Blocks of that many events of a timeline, from a time backwards: the time key of the last
        event of each series, given by its bytes, in a block. In source time events received after
        the time key `received_by` are left out.
        """
        family, upper = self._families[timebase], time_key(until_ns) + LAST_TAIL
        counts = repeat(rows)
        if timebase == "canonical":
            for keys in scan_keys(family, FIRST_KEY, upper, counts, reverse=True):
                yield {key[TIME_BYTES:]: key[:TIME_BYTES] for key in reversed(keys)}
            return
        received_by += LAST_TAIL
        for block in scan_small_rows(family, FIRST_KEY, upper, counts, reverse=True):
            yield {
                event_key[TIME_BYTES:]: key[:TIME_BYTES]
                for key, event_key in reversed(block)
                if event_key <= received_by
            }

    def first(
        self, timebase: Timebase, lower: bytes = FIRST_KEY, upper: bytes = LAST_KEY
    ) -> KeyValue | None:
        """The first row of a range."""
        return first_row(self._families[timebase], lower, upper)

    def last(
        self, timebase: Timebase, lower: bytes = FIRST_KEY, upper: bytes = LAST_KEY
    ) -> KeyValue | None:
        """The last row of a range."""
        return last_row(self._families[timebase], lower, upper)

    def first_key(self) -> bytes:
        """The event key of the first event, empty without one; it differs between archives."""
        origin = self._families.read("catalog", ORIGIN_KEY)
        if origin is not None:  # The first event may have been deleted since.
            return origin
        oldest = self.first("canonical")
        return b"" if oldest is None else oldest[0]

    def envelope(self, event_key: bytes) -> bytes | None:
        """The stored envelope of an event, None without such an event."""
        return self._families.read("canonical", event_key)

    def envelopes(self, event_keys: Sequence[bytes]) -> list[bytes | None]:
        """`envelope` of each event key."""
        return self._families.read_many("canonical", event_keys)

    def has(self, event_key: bytes) -> bool:
        """Whether an event has this event key; raises ArchiveError if that cannot be read."""
        return self.envelope(event_key) is not None

    def event_key(self, order_key: bytes) -> bytes | None:
        """The event key of an order key in source time, None without such an event."""
        return self._families.read("source", order_key)

    def event_keys(self, order_keys: Sequence[bytes]) -> list[bytes | None]:
        """`event_key` of each order key."""
        return self._families.read_many("source", order_keys)
