"""The check of an archive: every event, every row both ways, counts, and the seals of its days.

The index rows that the events must have and those that are there are summed up separately, in any
order and by several processes; only where two sums differ are rows searched one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import msgspec

from nova.core.ordering import Timebase, time_key
from nova.core.proof.catalog_check import CatalogCheck
from nova.core.proof.check_messages import (
    CheckEvents,
    CheckIndex,
    CheckRequest,
    CheckRollups,
    EventsChecked,
    FaultyEvent,
    RowsChecked,
    StoredRequest,
)
from nova.core.proof.finding import Finding, finding_at, in_order
from nova.core.proof.given_back_check import record_findings
from nova.core.proof.kept_roots import KeptRoots
from nova.core.proof.piece_check import PieceCheck, PieceOutcome
from nova.core.proof.rollup_search import RollupSearch
from nova.core.proof.row_search import FIRST, LAST, RowSearch
from nova.core.proof.row_sums import ROLLUP, SUMS_MODULUS
from nova.core.proof.seal_check import SealCheck
from nova.core.store.archive import Archive
from nova.core.store.day_tree import DayTree
from nova.core.store.given_back import Deletions
from nova.core.store.index_rows import INDEX_FAMILIES
from nova.core.store.keys import series_bytes
from nova.core.store.range_split import TimeDistribution
from nova.core.store.rollup import is_complete
from nova.core.utc_day import span_of
from nova.sdk.events.event import Series
from nova.sdk.timestamps import NS_MAX, NS_MIN

PIECE_EVENTS = 100_000
INDEX_PIECES_PER_FAMILY = 8
PROBE_ROWS = 32
"""Rows by which the density of events is estimated: pieces need not be of one size."""

FAULTS_MAX = 100
"""Findings about single events that are reported."""

UNCOUNTED = (
    "the rollups are not checked: no writer has counted all events since the archive was migrated; "
    "start `nova up` once and verify again"
)
"""Of an archive without seals: a writer counts before it seals."""

Report = Callable[[int, int, int], None]
"""Called with the events checked so far, the estimated total, and the events checked."""


class PieceChecker(Protocol):
    """Workers, or a stand-in that checks in this process."""

    last_times: list[int]
    deletions: list[Deletions]

    def check(self, requests: Sequence[CheckRequest]) -> Iterator[PieceOutcome]: ...


class InProcess:
    """Checks in this process, with its archive."""

    def __init__(self, archive: Archive) -> None:
        self._pieces = PieceCheck(archive)
        self.last_times = [self._pieces.last_ns]
        self.deletions = [archive.given_back.deletions()]

    def check(self, requests: Sequence[CheckRequest]) -> Iterator[PieceOutcome]:
        return map(self._pieces.check, requests)


class VerifyReport(msgspec.Struct, kw_only=True, rename="camel"):
    """What was checked, and what was found."""

    events: int
    days: int
    sealed_days: int
    last_sealed_day: str | None
    last_seal_hash: str | None
    given_back: int
    """Days of a scope and lane that retention has deleted."""

    findings: list[Finding]
    notes: list[str] = []
    """What could not be checked, and why. An archive with notes is whole apart from that."""


class _Found(NamedTuple):
    """What the checks of events found together."""

    events: int
    days: int
    sums: Counter[str]
    faults: list[FaultyEvent]
    requests: list[StoredRequest]


class Verification:
    """One check of an open archive, whose pieces `checker` checks; `piece_events` is their size."""

    def __init__(
        self,
        archive: Archive,
        checker: PieceChecker,
        report: Report = lambda passed, total, events: None,
        piece_events: int = PIECE_EVENTS,
    ) -> None:
        self._archive = archive
        self._checker = checker
        self._report = report
        self._piece_events = piece_events
        self._names = PieceCheck(archive).names
        times = [*checker.last_times, archive.record.last_canonical_ns()]
        self._is_still = len(set(times)) == 1
        self._until_ns = NS_MAX if self._is_still else min(times)
        self._seals = SealCheck(archive)
        self._notes: list[str] = []

    def whole(self, kept: Sequence[KeptRoots] = ()) -> VerifyReport:
        """Check everything; `kept` are copies of the seals from before the archive was opened."""
        found = self._check_events(NS_MIN, self._until_ns)
        self._seals.finish()
        self._compare_roots(kept)
        findings = self._faults(found)
        faulty = {fault.event_key for fault in found.faults}
        differing = self._differing_families(found.sums)
        if differing:
            findings += RowSearch(self._archive, self._until_ns, faulty).findings(differing)
        findings += self._rollup_findings(found.sums)
        findings += record_findings(self._archive)
        catalog = CatalogCheck(self._archive)
        findings += catalog.findings(found.events, found.requests, is_still=self._is_still)
        return self._reported(found, findings)

    def day(self, day: str, kept: Sequence[KeptRoots] = ()) -> VerifyReport:
        """Check the events of a day, their rows and the day's seal."""
        first_ns, last_ns = span_of(day)
        found = self._check_events(first_ns, min(last_ns, self._until_ns))
        seal = self._seals.seals.get(day)
        if seal is not None and not found.events:
            self._seals.add_day(day, 0, DayTree(self._names))
        self._compare_roots(kept)
        bounds = time_key(first_ns), time_key(last_ns) + LAST
        search = RowSearch(self._archive, self._until_ns, set())
        findings = self._faults(found) + search.without_rows(INDEX_FAMILIES, *bounds)
        findings += record_findings(self._archive, day)
        return self._reported(found, findings)

    def _compare_roots(self, kept: Sequence[KeptRoots]) -> None:
        for one in kept:
            self._seals.compare_file(one)

    def _faults(self, found: _Found) -> list[Finding]:
        return [
            finding_at("changed", "canonical", one.reason, one.event_key, one.event_id)
            for one in found.faults[:FAULTS_MAX]
        ]

    def _check_events(self, first_ns: int, last_ns: int) -> _Found:
        sealed = self._seals.last_day
        sealed_ns = NS_MIN if sealed is None else span_of(sealed)[1]
        total, requests = self._event_pieces(first_ns, last_ns, sealed_ns)
        found = _Found(0, 0, Counter(), [], [])
        days = _OpenDay(self._seals, self._names, sealed_ns)
        for outcome in self._checker.check(requests):
            reply = outcome.reply
            assert isinstance(reply, EventsChecked)
            found.sums.update({name: int(value) for name, value in reply.sums.items()})
            found.faults.extend(reply.faults)
            found.requests.extend(reply.requests)
            days.add(reply.days, outcome.leaves, outcome.series)
            found = found._replace(events=found.events + reply.events)
            self._report(found.events, max(total, found.events), found.events)
        days.close()
        return found._replace(days=days.days)

    def _event_pieces(
        self, first_ns: int, last_ns: int, sealed_ns: int
    ) -> tuple[int, list[CheckRequest]]:
        """The estimated number of events, and requests that cover exactly the range."""
        until_ns, bounds = self._until_ns, self._bounds("canonical", first_ns, last_ns)
        if first_ns > NS_MIN:
            bounds[0] = time_key(first_ns)
        if last_ns < NS_MAX:
            bounds[-1] = time_key(last_ns) + LAST
        requests: list[CheckRequest] = [
            CheckEvents(lower=lower, upper=upper, until_ns=until_ns, sealed_ns=sealed_ns)
            for lower, upper in pairwise(bounds)
        ]
        return TimeDistribution(self._archive, "canonical", first_ns, last_ns).events, requests

    def _bounds(self, timebase: Timebase, first_ns: int, last_ns: int) -> list[bytes]:
        """Keys that cut a timeline into pieces; the first and the last are before and after all."""
        spread = TimeDistribution(self._archive, timebase, first_ns, last_ns, PROBE_ROWS)
        pieces = spread.events // self._piece_events + 1
        spread.refine(pieces)
        starts = [piece.start_ns for piece in spread.split(pieces)[1:]]
        return [FIRST, *(time_key(ns) for ns in dict.fromkeys(starts) if ns > first_ns), LAST]

    def _differing_families(self, sums: Counter[str]) -> list[str]:
        requests, families = [], []
        numbers = len(self._names) // INDEX_PIECES_PER_FAMILY + 1
        by_series = [FIRST, *map(series_bytes, range(numbers, len(self._names), numbers)), LAST]
        for family in INDEX_FAMILIES:
            source = self._bounds("source", NS_MIN, NS_MAX) if family == "source" else by_series
            for lower, upper in pairwise(source):
                until_ns = self._until_ns
                requests.append(
                    CheckIndex(family=family, lower=lower, upper=upper, until_ns=until_ns)
                )
                families.append(family)
        stored = Counter[str]()
        for family, outcome in zip(families, self._checker.check(requests), strict=True):
            assert isinstance(outcome.reply, RowsChecked)
            stored[family] += int(outcome.reply.sum)
        return [name for name in INDEX_FAMILIES if (stored[name] - sums[name]) % SUMS_MODULUS]

    def _rollup_findings(self, sums: Counter[str]) -> list[Finding]:
        (outcome,) = self._checker.check([CheckRollups(until_ns=self._until_ns)])
        assert isinstance(outcome.reply, RowsChecked)
        if int(outcome.reply.sum) == sums[ROLLUP]:
            return []
        if not (self._seals.seals or is_complete(self._archive)):
            self._notes.append(UNCOUNTED)
            return []
        return RollupSearch(self._archive, self._names).findings()

    def _reported(self, found: _Found, findings: list[Finding]) -> VerifyReport:
        last = self._seals.last_day
        return VerifyReport(
            events=found.events,
            days=found.days,
            sealed_days=len(self._seals.seals),
            last_sealed_day=last,
            last_seal_hash=None if last is None else self._seals.seals[last].hash,
            given_back=len(self._archive.given_back.entries),
            findings=in_order([*findings, *self._seals.findings]),
            notes=self._notes,
        )


class _OpenDay:
    """The day whose events are arriving in canonical order."""

    def __init__(self, seals: SealCheck, names: Sequence[Series], sealed_ns: int) -> None:
        self.days = 0
        self._seals = seals
        self._names = names
        self._sealed_ns = sealed_ns
        self._day = ""
        self._events = 0
        self._tree = DayTree([])

    def add(
        self, days: Sequence[tuple[str, int]], leaves: Sequence[bytes], series: Sequence[bytes]
    ) -> None:
        """Add the events of a piece, day by day."""
        start = 0
        for day, count in days:
            if day != self._day:
                self.close()
                self._day, self._events, self._tree = day, 0, DayTree(self._names)
            self._events += count
            self._tree.add_leaves(series[start : start + count], leaves[start : start + count])
            start += count

    def close(self) -> None:
        """Compare the day with its seal."""
        if self._day:
            self.days += 1
            is_sealed = span_of(self._day)[1] <= self._sealed_ns
            self._seals.add_day(self._day, self._events, self._tree if is_sealed else None)
        self._day = ""
