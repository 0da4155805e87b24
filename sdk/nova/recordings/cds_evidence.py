"""Decides from all packets of a recording which secondary headers hold CDS times, since single
headers can look like one by chance.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from nova.recordings.cds import NS_PER_DAY
from nova.recordings.packets import FIRST, HEADER_SIZE_BYTES, WHOLE, Packet
from nova.recordings.time_code import CCSDS_EPOCH_NS, CDS
from nova.sdk import timestamps

EARLIEST_NS = timestamps.parse("1990-01-01T00:00:00Z")
AHEAD_MAX_NS = 366 * NS_PER_DAY
"""The latest plausible time after this host's clock; seconds since 1958 read as CDS give 2047."""
UNSET_NS = CCSDS_EPOCH_NS + 366 * NS_PER_DAY
"""Unset clocks count from 1958: such a header is no evidence for or against CDS."""
FITTING_SHARE_MIN = 0.9
MOVING_SHARE_MIN = 0.75
STEP_MAX_NS = 31 * NS_PER_DAY
PACKETS_MIN = 3
"""An APID with fewer packets is no evidence by itself."""
STANDING_MAX = 8
COARSE_STEP_MS, COARSE_JITTER_MS = 65_536, 2_048
"""A 16.16 counter of seconds, read as CDS milliseconds, advances by about such steps."""


@dataclass(slots=True)
class _SourceStatistics:
    """Statistics of the packets of one APID, or of all."""

    count: int = 0
    times_ns: list[int] = field(default_factory=list)
    steps: int = 0
    moving: int = 0
    standing: int = 0
    coarse: int = 0
    last_ns: int | None = None
    span_ns: tuple[int, int] | None = None
    fitting: int = 0

    def add(self, at_ns: int | None, latest_ns: int) -> None:
        """Count a packet by its header's time if read as CDS; None if it is not a valid one."""
        if at_ns is not None and CCSDS_EPOCH_NS <= at_ns < UNSET_NS:
            return
        self.count += 1
        if at_ns is None or not EARLIEST_NS <= at_ns <= latest_ns:
            return
        self.fitting += 1
        if self.last_ns is not None:
            self._count_step(at_ns - self.last_ns)
        self.last_ns = at_ns
        begin_ns, end_ns = self.span_ns or (at_ns, at_ns)
        self.span_ns = min(begin_ns, at_ns), max(end_ns, at_ns)

    def _count_step(self, step_ns: int) -> None:
        self.steps += 1
        self.moving += abs(step_ns) <= STEP_MAX_NS
        self.standing += step_ns == 0
        step_ms, half = step_ns // 1_000_000, COARSE_STEP_MS // 2
        off_ms = abs((step_ms + half) % COARSE_STEP_MS - half)
        self.coarse += step_ms > half and off_ms < COARSE_JITTER_MS

    @property
    def is_cds(self) -> bool:
        """Whether nearly all headers are valid times that advance as a clock does."""
        if not self.fitting or self.fitting < self.count * FITTING_SHARE_MIN:
            return False
        if self.moving < self.steps * MOVING_SHARE_MIN:
            return False
        if self.steps >= STANDING_MAX and self.standing == self.steps:
            return False
        return self.steps < 2 or self.coarse < self.steps * MOVING_SHARE_MIN


class CdsEvidence:
    """Collects statistics of all packets, and decides which sources carry CDS times."""

    def __init__(self, now_ns: int) -> None:
        self._latest_ns = now_ns + AHEAD_MAX_NS
        self._sources: dict[int, _SourceStatistics] = defaultdict(_SourceStatistics)
        self._all = _SourceStatistics()

    def add(self, packet: Packet) -> None:
        """Count a packet; those without a secondary header of their own are ignored."""
        if not packet.has_secondary_header or packet.is_idle or packet.flags not in (WHOLE, FIRST):
            return
        reading = CDS.read(packet.data[HEADER_SIZE_BYTES:], None)
        at_ns = None if reading is None else reading.ns
        self._sources[packet.source].add(at_ns, self._latest_ns)
        self._all.add(at_ns, self._latest_ns)

    def sources(self) -> frozenset[int]:
        """The sources (type and APID) whose packets have CDS times."""
        many = {key: one for key, one in self._sources.items() if one.count >= PACKETS_MIN}
        few = {key: one for key, one in self._sources.items() if one.count < PACKETS_MIN}
        good = {key for key, one in many.items() if one.is_cds}
        if not many:
            return frozenset(key for key, one in few.items() if self._all.is_cds and one.fitting)
        spans = [one.span_ns for key, one in many.items() if key in good and one.span_ns]
        if spans:
            begin_ns = min(span[0] for span in spans) - STEP_MAX_NS
            end_ns = max(span[1] for span in spans) + STEP_MAX_NS
            good |= {
                key
                for key, one in few.items()
                if one.fitting == one.count
                and (one.span_ns is None or begin_ns <= one.span_ns[0] <= one.span_ns[1] <= end_ns)
            }
        return frozenset(good)

    def summary(self) -> str:
        """How many headers could be CDS times, for an error text."""
        return f"of {self._all.count:,} secondary headers {self._all.fitting:,} could be CDS times"
