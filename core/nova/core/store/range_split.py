"""Splits a time range into pieces with about equal numbers of events, from RocksDB's file metadata.

A file records its number of events, its first key and its last key, so no scan is needed to count.
The distribution inside a file is estimated by a bounded number of probes: each reads a few rows at
both ends of an interval, and intervals that still hold too many events are halved. Files that
overlap in time (late events) are treated as one cluster.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from rocksdict import Rdict

from nova.core.ordering import LAST_TAIL, Timebase, time_key, time_of
from nova.core.store.archive import Archive
from nova.core.store.scan import first_row, last_row, scan
from nova.sdk.timestamps import NS_MAX

PROBES_MAX = 96
PROBE_ROWS = 500
PROBE_BYTES = 1024 * 1024
PARTS_PER_PIECE = 8
PARTS_MAX = 64
"""An interval is halved until it holds at most 1/PARTS_PER_PIECE of a piece, or 1/PARTS_MAX of all
events if that is more.
"""

EVENT_BYTES = 300.0
"""Assumed size of an event while no file records an average."""

_FILE_NUMBER = re.compile(r"^ (\d+):", re.MULTILINE)
_AVERAGE_VALUE = re.compile(r"raw average value size=([\d.]+)")


class TimePiece(NamedTuple):
    """A half-open time range and its estimated number of events."""

    start_ns: int
    stop_ns: int
    events: int


class _FileExtent(NamedTuple):
    """A number of events in a half-open time range."""

    start_ns: int
    stop_ns: int
    events: int


@dataclass(slots=True)
class _Cluster:
    """Files that overlap in time. `events` is known; `weight`, the sum over its probed parts,
    distributes them. Weights are whole, because floats would lose the parts of a millisecond
    beside those of centuries.
    """

    events: float
    weight: int = 0


@dataclass(slots=True)
class _RangePart:
    """A time range of a cluster; `weight` is None until it has been probed."""

    start_ns: int
    stop_ns: int
    cluster: _Cluster
    weight: int | None = None

    def events(self) -> float:
        """Estimated number of events."""
        if self.weight is None:
            return self.cluster.events
        return self.cluster.events * self.weight / self.cluster.weight if self.weight else 0.0


class TimeDistribution:
    """The estimated distribution of events over [start_ns, stop_ns] in one timebase."""

    def __init__(
        self,
        archive: Archive,
        timebase: Timebase,
        start_ns: int,
        stop_ns: int,
        probe_rows: int = PROBE_ROWS,
    ) -> None:
        self._family = archive.families[timebase]
        self._start_ns = start_ns
        self._end_ns = max(stop_ns + 1, start_ns)
        self._probes_left = PROBES_MAX
        self._probe_rows = probe_rows
        # `id` breaks ties, because parts are not comparable.
        self._heap: list[tuple[float, int, _RangePart]] = []
        for extent in _clusters(_extents(self._family, timebase)):
            if extent.start_ns < self._end_ns and extent.stop_ns > start_ns:
                cluster = _Cluster(extent.events)
                self._push(_RangePart(extent.start_ns, extent.stop_ns, cluster))

    @property
    def events(self) -> int:
        """Estimated number of events in the range."""
        return round(sum(events for _, _, events in self._clamped()))

    def split(self, pieces: int) -> list[TimePiece]:
        """Split the range exactly into `pieces`, in order; some are empty if the range has fewer
        nanoseconds than pieces.
        """
        bounds = [self._start_ns, *self._quantiles(pieces), self._end_ns]
        parts = self._clamped()
        return [
            TimePiece(low, high, round(_events_between(parts, low, high)))
            for low, high in pairwise(bounds)
        ]

    def refine(self, pieces: int) -> None:
        """Probe and halve parts until each is small compared with one of `pieces` pieces, or with
        the whole range.
        """
        limit = max(self.events / min(pieces * PARTS_PER_PIECE, PARTS_MAX), 1.0)
        while self._heap and self._probes_left > 0:
            known, _, part = heapq.heappop(self._heap)
            if part.events() < -known / 2:
                self._push(part)  # Probes of its cluster have since halved its estimate.
                continue
            if part.events() <= limit or part.stop_ns - part.start_ns <= 1:
                self._push(part)
                return
            for half in _halves(part):
                self._estimate(half)
                self._push(half)

    def _push(self, part: _RangePart) -> None:
        inside = part.start_ns < self._end_ns and part.stop_ns > self._start_ns
        heapq.heappush(self._heap, (-part.events() if inside else 0.0, id(part), part))

    def _estimate(self, part: _RangePart) -> None:
        """Set a part's weight from the density at its two ends, and shrink it to its events; a part
        with few events is counted exactly.
        """
        self._probes_left -= 1
        times, is_all = self._probe(part, reverse=False)
        if not is_all:
            ahead = len(times) / (times[-1] - times[0] + 1)
            back, _ = self._probe(part, reverse=True)
            behind = len(back) / (back[0] - back[-1] + 1)
            part.start_ns, part.stop_ns = times[0], back[0] + 1
            weight = round((part.stop_ns - part.start_ns) * (ahead + behind) / 2)
            part.weight = max(weight, len(times))
        else:
            part.weight = len(times)
            if times:
                part.start_ns, part.stop_ns = times[0], times[-1] + 1
        part.cluster.weight += part.weight

    def _probe(self, part: _RangePart, *, reverse: bool) -> tuple[list[int], bool]:
        """Times of the first (or last) events of a range, and whether the range has no others."""
        times: list[int] = []
        size = 0
        lower, upper = time_key(part.start_ns), time_key(part.stop_ns - 1) + LAST_TAIL
        for key, value in scan(self._family, lower, upper, reverse=reverse):
            times.append(time_of(key))
            size += len(value)
            if len(times) == self._probe_rows or size >= PROBE_BYTES:
                return times, False
        return times, True

    def _clamped(self) -> list[tuple[int, int, float]]:
        """(start, stop, events) of each part, clamped to the range and sorted."""
        found = []
        for _, _, part in self._heap:
            low, high = max(part.start_ns, self._start_ns), min(part.stop_ns, self._end_ns)
            if low < high:
                share = (high - low) / (part.stop_ns - part.start_ns)
                found.append((low, high, part.events() * share))
        return sorted(found)

    def _quantiles(self, pieces: int) -> list[int]:
        """The `pieces` - 1 times between the pieces."""
        parts = self._clamped() or [(self._start_ns, self._end_ns, 1.0)]
        step = sum(events for _, _, events in parts) / pieces
        bounds: list[int] = []
        behind = 0.0
        for low, high, events in parts:
            while len(bounds) < pieces - 1 and behind + events >= step * (len(bounds) + 1):
                share = (step * (len(bounds) + 1) - behind) / events if events else 0.0
                bounds.append(min(low + int((high - low) * share), high))
            behind += events
        return bounds + [self._end_ns] * (pieces - 1 - len(bounds))


def event_bytes(archive: Archive) -> float:
    """Average size of a stored envelope, by RocksDB's table properties."""
    family = archive.families["canonical"]
    properties = family.property_value("rocksdb.aggregated-table-properties")
    match = _AVERAGE_VALUE.search(properties or "")
    return (float(match.group(1)) if match else 0.0) or EVENT_BYTES


def _events_between(parts: list[tuple[int, int, float]], start_ns: int, stop_ns: int) -> float:
    return sum(
        events * (min(high, stop_ns) - max(low, start_ns)) / (high - low)
        for low, high, events in parts
        if low < stop_ns and high > start_ns
    )


def _halves(part: _RangePart) -> Iterator[_RangePart]:
    """The two halves of a probed part; the part itself if it was not probed."""
    if part.weight is None:
        yield part
        return
    part.cluster.weight -= part.weight
    middle = (part.start_ns + part.stop_ns) // 2
    yield _RangePart(part.start_ns, middle, part.cluster)
    yield _RangePart(middle, part.stop_ns, part.cluster)


def _extents(family: Rdict, timebase: Timebase) -> list[_FileExtent]:
    """One extent per file of the family, and one for its memtables."""
    numbers = {int(number) for number in _FILE_NUMBER.findall(_property(family, "sstables"))}
    found = []
    # `live_files` lists the files of all families without naming their family.
    for file in sorted(family.live_files(), key=lambda file: str(file["name"])):
        if int(str(file["name"]).strip("/").removesuffix(".sst")) in numbers:
            start_ns, stop_ns = time_of(file["start_key"]), time_of(file["end_key"]) + 1
            found.append(_FileExtent(start_ns, stop_ns, int(file["num_entries"])))
    waiting = sum(
        int(_property(family, f"num-entries-{state}-mem-table{plural}") or 0)
        for state, plural in (("active", ""), ("imm", "s"))
    )
    everything = (time_key(-(NS_MAX) - 1), time_key(NS_MAX) + LAST_TAIL)
    newest = last_row(family, *everything) if waiting else None
    oldest = first_row(family, *everything) if waiting else None
    if newest is not None and oldest is not None:
        start_ns, stop_ns = time_of(oldest[0]), time_of(newest[0]) + 1
        if found and timebase == "canonical":
            start_ns = max(extent.stop_ns for extent in found)
        elif found:
            start_ns = found[-1].start_ns
        found.append(_FileExtent(min(start_ns, stop_ns - 1), stop_ns, waiting))
    return found


def _clusters(extents: list[_FileExtent]) -> list[_FileExtent]:
    """Merge overlapping extents."""
    found: list[_FileExtent] = []
    for extent in sorted(extents):
        if found and extent.start_ns < found[-1].stop_ns:
            before = found.pop()
            stop_ns = max(before.stop_ns, extent.stop_ns)
            extent = _FileExtent(before.start_ns, stop_ns, before.events + extent.events)
        found.append(extent)
    return found


def _property(family: Rdict, name: str) -> str:
    return family.property_value(f"rocksdb.{name}") or ""
