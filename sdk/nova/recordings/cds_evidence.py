"""Decides from all packets of a recording which secondary headers hold CDS times.

Single headers look like one by chance. And seconds with a binary fraction (CUC) fit as well for 22
minutes in 18 hours, at 65.536 times the rate. So CDS needs evidence that CUC cannot give: a
microsecond field that takes all values, a midnight, or a cadence that is round only as CDS.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from nova.recordings.cadence import HALF, is_round, period_of, round_share, steps_of
from nova.recordings.cds import NS_PER_DAY
from nova.recordings.packets import FIRST, HEADER_SIZE_BYTES, WHOLE, Packet
from nova.recordings.time_code import CCSDS_EPOCH_NS, CDS
from nova.sdk import timestamps
from nova.sdk.timestamps import NS_PER_SECOND

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
CUC_PER_SECOND = 65_536
"""Units of CUC per second; read as CDS they are milliseconds."""
CDS_TOLERANCE_S, CUC_TOLERANCE_S = 0.002, 0.005
SAMPLE_MAX = 4096
"""Times kept per APID to judge the cadence by."""
SPREAD_MIN, SPREAD_STEP_MIN_US = 8, 50
"""Packets and typical step of a microsecond field that is a fraction, not a status or counter."""
FEW_MIN_US = 256
"""With fewer packets all have to be at least this, which neither zeros nor a byte are."""
MIDNIGHT_STEP_MAX_NS = 3600 * 1_000_000_000


@dataclass(slots=True)
class _SourceStatistics:
    """Statistics of the packets of one APID, or of all."""

    count: int = 0
    times_ns: list[int] = field(default_factory=list)
    steps: int = 0
    moving: int = 0
    standing: int = 0
    midnights: int = 0
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
            self._count_step(self.last_ns, at_ns)
        self.last_ns = at_ns
        if len(self.times_ns) < SAMPLE_MAX:
            self.times_ns.append(at_ns)
        begin_ns, end_ns = self.span_ns or (at_ns, at_ns)
        self.span_ns = min(begin_ns, at_ns), max(end_ns, at_ns)

    def _count_step(self, before_ns: int, at_ns: int) -> None:
        step_ns = abs(at_ns - before_ns)
        self.steps += 1
        self.moving += step_ns <= STEP_MAX_NS
        self.standing += step_ns == 0
        is_next_day = before_ns // NS_PER_DAY != at_ns // NS_PER_DAY
        self.midnights += is_next_day and step_ns <= MIDNIGHT_STEP_MAX_NS

    @property
    def fits(self) -> bool:
        """Whether nearly all headers are valid times that advance as a clock does."""
        if self.count < PACKETS_MIN:
            return self.fitting == self.count
        if self.fitting < self.count * FITTING_SHARE_MIN:
            return False
        if self.moving < self.steps * MOVING_SHARE_MIN:
            return False
        return self.steps < STANDING_MAX or self.standing < self.steps

    @property
    def fits_cuc(self) -> bool:
        """Whether the times advance by round steps if read as CUC."""
        steps = steps_of([ns // 1_000_000 for ns in self.times_ns], CUC_PER_SECOND)
        period = period_of(steps)
        is_regular = period is not None and is_round(period, CUC_TOLERANCE_S)
        return is_regular or round_share(steps, CUC_TOLERANCE_S) >= HALF

    @property
    def is_cds(self) -> bool:
        """Whether the headers fit, and something proves that they are not CUC."""
        if self.count < PACKETS_MIN or not self.fits or self.fits_cuc:
            return False
        return self.midnights > 0 or self._is_spread() or self._is_round()

    def _is_spread(self) -> bool:
        """Whether the microseconds take values of all kinds, as no status or counter does."""
        field_us = [ns // 1000 % 1000 for ns in self.times_ns]
        if len(field_us) < SPREAD_MIN:
            is_moving = len(set(field_us)) > 1 or len(set(self.times_ns)) == 1
            return is_moving and min(field_us) >= FEW_MIN_US
        if len({value // 250 for value in field_us}) < 4:
            return False
        return median(abs(b - a) for a, b in pairwise(field_us)) >= SPREAD_STEP_MIN_US

    def _is_round(self) -> bool:
        """Whether the times advance by round steps."""
        steps = steps_of(self.times_ns, NS_PER_SECOND)
        if round_share(steps, CDS_TOLERANCE_S) >= MOVING_SHARE_MIN:
            return True
        period = period_of(steps)
        if period is None or not is_round(period, CDS_TOLERANCE_S):
            return False
        return sum(abs(one - period) <= CDS_TOLERANCE_S for one in steps) >= HALF * len(steps)


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
        proven = [one for one in self._sources.values() if one.is_cds]
        if not proven and self._all.is_cds:
            many = (one for one in self._sources.values() if one.count >= PACKETS_MIN)
            proven = [] if any(one.fits_cuc for one in many) else [self._all]
        spans = [one.span_ns for one in proven if one.span_ns]
        if not spans:
            return frozenset()
        begin_ns = min(span[0] for span in spans) - STEP_MAX_NS
        end_ns = max(span[1] for span in spans) + STEP_MAX_NS
        return frozenset(
            key
            for key, one in self._sources.items()
            if one.fits
            and (one.span_ns is None or begin_ns <= one.span_ns[0] <= one.span_ns[1] <= end_ns)
        )

    def summary(self) -> str:
        """How many headers could be CDS times, for an error text."""
        count = f"of {self._all.count:,} secondary headers {self._all.fitting:,} could be CDS times"
        if not any(one.fitting and one.fits for one in self._sources.values()):
            return count
        return f"{count}, but nothing distinguishes them from seconds with a fraction (CUC)"
