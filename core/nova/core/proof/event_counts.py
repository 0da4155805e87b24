"""Counts the events of an archive by bucket of the finest rollup level, many at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nova.core.ordering import LANE_OFFSET, TIME_BYTES, TIMEBASES, Timebase
from nova.core.store.rollup import FINEST_LEVEL, LANE_UNITS
from nova.core.store.row_table import RowTable
from nova.core.writer.rollup_counts import RollupTotals

_LANE_BITS, _SCOPE_BITS = 3, 24
_BUCKET_SHIFT = _LANE_BITS + _SCOPE_BITS
_LANE_MASK, _SCOPE_MASK = (1 << _LANE_BITS) - 1, (1 << _SCOPE_BITS) - 1


class EventCounts:
    """Counts in both timebases. `scopes` says by series number in which scope an event counts."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self._scopes = list(dict.fromkeys(scopes))
        numbers = {scope: number for number, scope in enumerate(self._scopes)}
        self._scope_of = np.array([numbers[scope] for scope in scopes], np.uint64)
        self._counts: dict[Timebase, Counter[int]] = {one: Counter() for one in TIMEBASES}

    def add(self, events: RowTable, source_keys: RowTable) -> None:
        """Count events by their event keys and order keys."""
        series = np.ascontiguousarray(events[:, TIME_BYTES:]).view(">u4")[:, 0]
        lanes = source_keys[:, LANE_OFFSET].astype(np.uint64)
        places = self._scope_of[series] << np.uint64(_LANE_BITS) | lanes
        tables: dict[Timebase, RowTable] = {"canonical": events, "source": source_keys}
        for timebase, keys in tables.items():
            codes, counts = np.unique(_buckets(keys) | places, return_counts=True)
            known = self._counts[timebase]
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
                known[code] += count

    def by_scope(self) -> RollupTotals:
        """The counts as the rollups have them."""
        found: RollupTotals = {}
        for timebase, known in self._counts.items():
            for code, count in known.items():
                scope = self._scopes[code >> _LANE_BITS & _SCOPE_MASK]
                buckets = found.setdefault((timebase, scope), {})
                bucket, unit = code >> _BUCKET_SHIFT, LANE_UNITS[code & _LANE_MASK]
                buckets[bucket] = buckets.get(bucket, 0) + count * unit
        return found


def _buckets(keys: RowTable) -> NDArray[np.uint64]:
    """The numbers of the buckets of keys, where codes have them."""
    times = np.ascontiguousarray(keys[:, :TIME_BYTES]).view(">u8")[:, 0].astype(np.uint64)
    return times >> np.uint64(FINEST_LEVEL) << np.uint64(_BUCKET_SHIFT)
