"""An archive of ten days with events of every lane, and days of it that are given back."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from msgspec.structs import replace

from nova.core.derived.day_sealer import DaySealer
from nova.core.retention.due_days import DueDay, due_days
from nova.core.store.archive import Archive
from nova.core.store.archive_identity import ensure_id
from nova.core.store.durability_marker import write_marker
from nova.core.store.given_back import DayGivenBack
from nova.core.submission_messages import RecordDaySeal
from nova.core.utc_day import NS_PER_DAY, day_of
from nova.core.writer.commit_queue import CommitQueue
from nova.core.writer.committer import Committer
from nova.core.writer.day_removal import BY_RULE, DayRemoval
from nova.core.writer.seal_trail import SealTrail
from nova.sdk.events.day_seal import DaySeal
from nova.sdk.field_types import JsonObject
from nova.sdk.retention_rule import retention_rules
from nova.sdk.transport.base import Batch, Receipt, Record
from tests.core.telling import START_NS, telling
from tests.core.viewing import updating

DAYS = 10
KEPT_DAYS = 5
KEPT_NS = START_NS + (DAYS - KEPT_DAYS) * NS_PER_DAY
"""Where the kept days begin."""

NOW_NS = START_NS + DAYS * NS_PER_DAY
RULES = retention_rules((f"sat/* {KEPT_DAYS}d",))
BATCHES_PER_DAY = 8

T = TypeVar("T")


class DeathError(Exception):
    """The writer ends between two commits."""


def records_of_day(number: int, events: int, draw: random.Random) -> list[Record]:
    """A day's records in the order of their arrival; some are late or ahead by days."""
    found = []
    for place in range(events):
        at_ns = START_NS + number * NS_PER_DAY + place * NS_PER_DAY // events
        if draw.random() < 0.05:
            at_ns += draw.choice((-3, -1, -1, 1, 2)) * NS_PER_DAY
        match draw.choice(("raw", "parsed", "parsed", "ui", "metadata")):
            case "ui":
                data: JsonObject = {draw.choice("xyzw"): draw.randrange(100)}
                version = draw.choice(("1.0.0", "1.0.0", "1.0.0", "2.0.0"))
                unit = draw.choice("ab") if number < DAYS - 1 else "a"
                found.append(updating(at_ns, data, unit=unit, version=version))
            case lane:
                value: JsonObject = {"n": draw.randrange(1000)}
                scope = "other" if draw.random() < 0.1 else "sat"
                found.append(telling(at_ns, value, lane=lane, scope=scope))
    return found


class _ImmediateQueue:
    """Runs a write in a commit of its own."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    async def submit(self, write: Callable[[Committer], T]) -> T:
        result = write(self._committer)
        self._committer.close_commit()
        return result


class Retaining:
    """The archive, with a writer whose clock is at the day that is written."""

    def __init__(
        self,
        data: Path,
        events_per_day: int,
        make_day: Callable[[int, int, random.Random], list[Record]] = records_of_day,
    ) -> None:
        self.data = data
        self.now_ns = START_NS
        self.part_events = 100
        self.rules = RULES
        self.archive = Archive.open_primary(data)
        self.committer = self._committer()
        draw = random.Random(1)
        self.days = [make_day(number, events_per_day, draw) for number in range(DAYS)]

    def _committer(self) -> Committer:
        return Committer(self.archive, self.data, clock=lambda: self.now_ns)

    def fill(self, sealed_days: int = DAYS) -> None:
        """Store all days, and seal the first ones."""
        for number, records in enumerate(self.days):
            for batch in range(BATCHES_PER_DAY):
                start_ns = START_NS + number * NS_PER_DAY
                self.now_ns = start_ns + (batch + 1) * NS_PER_DAY // (BATCHES_PER_DAY + 1)
                self.add(records[batch::BATCHES_PER_DAY])
        self.now_ns = NOW_NS
        self.committer.pass_time()
        self.committer.close_commit()
        ensure_id(self.archive, self.data)
        sealer = DaySealer(self.archive)
        for number in range(sealed_days):
            self.seal(sealer, day_of(START_NS + number * NS_PER_DAY))

    def seal(self, sealer: DaySealer, day: str, *, is_listed: bool = True) -> None:
        """Seal one day; without a list of groups, as if there were too many."""
        for seal in sealer.seal(day):
            if seal is not None:
                seal = seal if is_listed else replace(seal, groups=None)
                sealer.seals.append(seal)
                self._record_seal(seal)

    def _record_seal(self, seal: DaySeal) -> None:
        trail = SealTrail(self.committer, cast(CommitQueue, _ImmediateQueue(self.committer)))
        with contextlib.suppress(StopIteration):
            trail.record(RecordDaySeal(seal=seal)).send(None)

    def add(self, records: Sequence[Record]) -> Receipt:
        """Commit a batch."""
        receipt, _ = self.committer.add_batch("link", Batch(records))
        self.committer.close_commit()
        return receipt

    def reopen(self) -> None:
        """End the writer and start it again."""
        self.sync()
        self.archive.close()
        self.archive = Archive.open_primary(self.data)
        self.committer = self._committer()

    def sync(self) -> None:
        self.archive.sync()
        write_marker(self.data, self.committer.marker())

    def removal(self, commits: int | None = None) -> DayRemoval:
        """What gives days back; the writer dies after a number of commits."""
        left = commits

        async def submit(write: Callable[[Committer], T]) -> T:
            nonlocal left
            if left == 0:
                raise DeathError
            left = None if left is None else left - 1
            result = write(self.committer)
            self.committer.close_commit()
            return result

        return DayRemoval(
            self.committer, submit, part_events=self.part_events, files=self.data / "files"
        )

    async def submit(self, write: Callable[[Committer], T], /) -> T:
        """Run a write in a commit of its own."""
        return await _ImmediateQueue(self.committer).submit(write)

    def due(self) -> list[DueDay]:
        return list(due_days(self.archive, self.committer.series, self.rules, NOW_NS))

    async def give_back(self, commits: int | None = None) -> list[DayGivenBack]:
        """Give back every due day."""
        removal = self.removal(commits)
        await removal.resume()
        done = []
        for due in self.due():
            survey = await removal.survey(due.day, due.lane, due.numbers)
            done.append(await removal.give_back(due, BY_RULE, survey))
        self.sync()
        return done
