"""What every peer does with a batch before it stores it, as NOVA's writer does: check each record,
compute its eventId, and stamp it with a receive time of its own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from nova.sdk.address import LANE_PRIORITY
from nova.sdk.events.checker import Checker
from nova.sdk.events.event import Series, stamped
from nova.sdk.transport.base import Record

CHUNK_EVENTS = 1_500
CHUNK_ID = "bench"
CHUNK_CURSOR = "2026-01-01T00:00:00.000000000Z"
"""A chunk as the reader makes them; every store's replay ends in such frames."""


class Stamped(NamedTuple):
    """An event ready to be stored; the order of the members is that of the peers' tables."""

    canonical_ns: int
    source_ns: int
    lane: int
    event_id: bytes
    series: int
    stored: bytes


class PeerStamp:
    """The checker's memory, the numbers of series, and the last receive time."""

    def __init__(self) -> None:
        self._checker = Checker()
        self._numbers: dict[Series, int] = {}
        self._last_ns = 0

    def batch(self, records: Sequence[Record]) -> list[Stamped]:
        """The events of records, each with the next receive time."""
        checked = self._checker.check_all(records)
        first_ns = max(time.time_ns(), self._last_ns + 1)
        self._last_ns = first_ns + len(checked.ids) - 1
        lanes = [LANE_PRIORITY[series.lane] for series in checked.names]
        numbers = [self._numbers.setdefault(s, len(self._numbers)) for s in checked.names]
        columns = zip(
            range(first_ns, first_ns + len(checked.ids)),
            checked.times_ns,
            [lanes[place] for place in checked.series],
            checked.ids,
            [numbers[place] for place in checked.series],
            stamped(checked.bodies, first_ns),
            strict=True,
        )
        return [Stamped(*column) for column in columns]
