"""`discover` and `latest` while days are deleted: answers of before or of after, never a mix."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from nova.core.effect.moment import moment_at
from nova.core.ordering import TIMEBASES
from nova.core.query.archive_snapshot import ArchiveSnapshot
from nova.core.query.discover import Discovery
from nova.core.query.event_filter import EventFilter
from nova.core.query.latest import latest
from nova.core.store.archive import Archive
from nova.core.utc_day import NS_PER_DAY
from nova.core.writer.committer import Committer
from nova.core.writer.day_removal import BY_RULE, DayRemoval
from nova.sdk.protocol.messages import Filters
from tests.core.discovered import discovery_of
from tests.core.retaining import KEPT_NS, Retaining
from tests.core.telling import START_NS

T = TypeVar("T")
FILTERS = (Filters(), Filters(lanes=["parsed", "raw"]), Filters(scope_ids=["sat"], lanes=["ui"]))
TIMES = tuple(
    START_NS + day * NS_PER_DAY + NS_PER_DAY // 3
    for day in range(0, (KEPT_NS - START_NS) // NS_PER_DAY + 2, 3)
)


Answers = list[tuple[bytes, ...]]


class _Reader:
    """A reader beside the writer, whose discovery keeps what it has read."""

    def __init__(self, retaining: Retaining, scratch: Path) -> None:
        self._retaining = retaining
        self.archive = Archive.open_secondary(retaining.data, scratch)
        self.snapshot = ArchiveSnapshot(self.archive)
        self.discovery: Discovery = discovery_of(self.snapshot, yield_every=1)

    async def answers(self, discovery: Discovery | None = None) -> Answers:
        found: Answers = []
        for timebase in TIMEBASES:
            for time_ns in TIMES:
                for filters in FILTERS:
                    self.snapshot.advance(self._retaining.committer.last_ns)
                    self.snapshot.refresh()
                    chosen = EventFilter(filters, self.snapshot.series)
                    at = moment_at(timebase, time_ns)
                    page = await (discovery or self.discovery).page(chosen, at)
                    found.append(tuple(page.entities))
                    events = await latest(self.snapshot, chosen, timebase, time_ns)
                    found.append(tuple(stored for _, stored in events.events))
        return found


async def test_answers_are_those_of_before_or_of_after(tmp_path: Path) -> None:
    filled = Retaining(tmp_path / "data", 40)
    filled.part_events = 2
    filled.fill()
    filled.sync()
    reader = _Reader(filled, tmp_path / "scratch")
    before = await reader.answers()
    asked = 0
    removal = _removal(filled)
    for due in filled.due():
        survey = await removal.survey(due.day, due.lane, due.numbers)
        deletion = asyncio.create_task(removal.give_back(due, BY_RULE, survey))
        seen: list[Answers] = []
        while not deletion.done():
            seen.append(await reader.answers())
            await asyncio.sleep(0)
        await deletion
        filled.sync()
        after = await reader.answers()
        assert after == await reader.answers(discovery_of(reader.snapshot))
        for answers in seen:
            for answer, earlier, later in zip(answers, before, after, strict=True):
                assert answer in (earlier, later)
        asked += len(seen)
        before = after
    assert asked >= 15
    reader.archive.close()


def _removal(filled: Retaining) -> DayRemoval:
    """Commits as a writer does beside readers: they are served between any two commits."""

    async def submit(write: Callable[[Committer], T]) -> T:
        result = await filled.submit(write)
        filled.sync()
        await asyncio.sleep(0)
        return result

    return DayRemoval(filled.committer, submit, part_events=filled.part_events)
