"""What every peer does with a batch before it stores it, as NOVA's writer does: check each record,
compute its eventId, and stamp it with a receive time of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from sdk.checker import Checker
from sdk.transport.base import Record

CHUNK_EVENTS = 500
CHUNK_ID = "bench"
CHUNK_CURSOR = "2026-01-01T00:00:00.000000000Z"
"""A chunk as the reader makes them; every store's replay ends in such frames."""


class Stamped(NamedTuple):
    """An event ready to be stored; the order of the members is that of the peers' tables."""

    canonical_ns: int
    source_ns: int
    lane: int
    event_id: bytes
    series: str
    stored: bytes


class Stamp:
    """The checker's memory and the last receive time."""

    def __init__(self) -> None:
        self._checker = Checker()
        self._last_ns = 0

    def batch(self, records: Sequence[Record]) -> list[Stamped]:
        """The events of records, each with the next receive time."""
        return [self._stamped(record) for record in records]

    def _stamped(self, record: Record) -> Stamped:
        event = self._checker.check(record.value, record.address)
        last_ns = self._last_ns = max(time.time_ns(), self._last_ns + 1)
        series, stored = "/".join(event.series), event.stamped(last_ns)
        return Stamped(last_ns, event.source_ns, event.lane, event.event_id, series, stored)
