"""Days are given back as a whole, survive the death of the writer, and do not come back."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from nova.core.ordering import TIMEBASES, Timebase
from nova.core.store.archive import Archive
from nova.core.store.keys import EVENT_FAMILIES
from nova.core.store.rollup import AUDIT_SCOPE, counted_events
from nova.core.store.scan import scan
from nova.core.utc_day import NS_PER_DAY, day_of
from nova.sdk.settings import GROUND_SCOPE
from nova.sdk.transport.base import Record
from tests.core.retaining import (
    DAYS,
    KEPT_DAYS,
    KEPT_NS,
    NOW_NS,
    DeathError,
    Retaining,
    records_of_day,
)
from tests.core.telling import ViewedEvent, rollups_by_hand, rollups_of, telling, told
from tests.core.viewing import UNITS, state_by_hand

EVENTS_PER_DAY = 200
LANES = ("raw", "parsed", "ui")
EVERYTHING = (b"", b"\xff" * 64)


@pytest.fixture
def filled(tmp_path: Path) -> Retaining:
    retaining = Retaining(tmp_path, EVENTS_PER_DAY)
    retaining.fill()
    return retaining


def is_due(event: ViewedEvent) -> bool:
    return event.scope == "sat" and event.lane in LANES and event.canonical_ns < KEPT_NS


def in_order(events: list[ViewedEvent], timebase: Timebase) -> list[bytes]:
    return [e.stored for e in sorted(events, key=lambda e: (e.time(timebase), e.lane, e.stored))]


def rows(archive: Archive) -> dict[str, int]:
    return {
        name: sum(1 for _ in scan(archive.families[name], *EVERYTHING)) for name in EVENT_FAMILIES
    }


def assert_rollups_right(archive: Archive) -> None:
    events = [e for e in told(archive) if b'"containerId":"audit"' not in e.stored]
    counted = {key: n for key, n in rollups_of(archive).items() if key[2] != AUDIT_SCOPE}
    assert counted == rollups_by_hand(events)


async def test_due_days_and_nothing_else_are_deleted(filled: Retaining) -> None:
    before = told(filled.archive)
    done = await filled.give_back()
    after = [e for e in told(filled.archive) if e.stored in {one.stored for one in before}]

    assert {entry.day for entry in done} == {
        day_of(NOW_NS - (DAYS - number) * NS_PER_DAY) for number in range(DAYS - KEPT_DAYS)
    }
    assert {(entry.scope_id, entry.lane) for entry in done} == {("sat", lane) for lane in LANES}
    due = [e for e in before if is_due(e)]
    assert sum(entry.events for entry in done) == len(due)
    kept = [e for e in before if not is_due(e)]
    staying = [e for e in after if is_due(e)]
    assert {e.lane for e in staying} == {*LANES}
    assert len(staying) < 50
    for timebase in TIMEBASES:
        rest = [e for e in after if not is_due(e)]
        assert in_order(rest, timebase) == in_order(kept, timebase)
    held = filled.committer.counters.held
    assert counted_events(filled.archive) == held == len(told(filled.archive))
    assert rows(filled.archive) == dict.fromkeys(EVENT_FAMILIES, held)
    assert filled.due() == []
    assert_rollups_right(filled.archive)


async def test_states_at_kept_times_stay_what_they_were(filled: Retaining) -> None:
    before = told(filled.archive)
    await filled.give_back()
    after = told(filled.archive)
    for timebase in TIMEBASES:
        for unit in UNITS:
            times = {e.time(timebase) for e in before if e.lane == "ui"}
            for time_ns in sorted({KEPT_NS, *(at for at in times if at >= KEPT_NS)}):
                assert state_by_hand(after, timebase, unit, time_ns) == state_by_hand(
                    before, timebase, unit, time_ns
                )


def with_antenna(number: int, events: int, draw: random.Random) -> list[Record]:
    """A day's records; on the second day an antenna is set, and never again."""
    found = records_of_day(number, events, draw)
    if number == 1:
        at_ns = KEPT_NS - 4 * NS_PER_DAY
        found += [telling(at_ns + n, {"n": n}, unit="antenna") for n in range(3)]
    return found


def last_values(
    events: list[ViewedEvent], timebase: Timebase, time_ns: int
) -> dict[tuple[str, str, str], bytes]:
    """The last event of each series of values at a time."""
    found = [e for e in events if e.lane in ("raw", "parsed") and e.time(timebase) <= time_ns]
    found.sort(key=lambda e: (e.time(timebase), e.stored))
    return {(e.scope, e.lane, e.unit): e.stored for e in found}


async def test_the_last_values_of_series_at_kept_times_stay(tmp_path: Path) -> None:
    """Also of a series that sent nothing since the kept days began."""
    filled = Retaining(tmp_path, EVENTS_PER_DAY, with_antenna)
    filled.fill()
    before = told(filled.archive)
    await filled.give_back()
    after = told(filled.archive)
    assert [e.unit for e in after].count("antenna") == 1
    for timebase in TIMEBASES:
        times = {KEPT_NS, *(e.time(timebase) for e in before[::7] if e.time(timebase) >= KEPT_NS)}
        for time_ns in sorted(times):
            assert last_values(after, timebase, time_ns) == last_values(before, timebase, time_ns)


async def test_what_was_deleted_does_not_come_back(filled: Retaining) -> None:
    await filled.give_back()
    after = told(filled.archive)
    everything = [record for day in filled.days for record in day]
    assert filled.add(everything).new == 0
    filled.reopen()
    assert filled.add(everything[::-1]).new == 0
    assert told(filled.archive) == after
    late: list[Record] = [telling(KEPT_NS - 5 * NS_PER_DAY + 1, {"n": 1}, unit="late")]
    assert filled.add(late).new == 1


@pytest.mark.parametrize("commits", [1, 3, 20])
async def test_a_removal_that_was_cut_is_finished(filled: Retaining, commits: int) -> None:
    before = told(filled.archive)
    filled.part_events = 7
    with pytest.raises(DeathError):
        await filled.give_back(commits)
    counters = filled.committer.counters
    assert counted_events(filled.archive) == counters.held == len(told(filled.archive))
    filled.reopen()
    await filled.give_back()
    assert [e for e in told(filled.archive) if not is_due(e) and e.scope != GROUND_SCOPE] == [
        e for e in before if not is_due(e) and e.scope != GROUND_SCOPE
    ]
    assert_rollups_right(filled.archive)
    entries = filled.archive.given_back.entries
    assert len(entries) == len({(e.day, e.scope_id, e.lane) for e in entries}) == 3 * KEPT_DAYS
    assert all(entry.is_finished for entry in entries)
    events = [json.loads(e.stored) for e in told(filled.archive) if b"DayGivenBack" in e.stored]
    named = [(e["payload"]["day"], e["payload"]["lane"]) for e in events]
    assert sorted(named) == sorted((entry.day, entry.lane) for entry in entries)
    assert {e["payload"]["principal"] for e in events} == {"retention"}
    deleted = sum(e["payload"]["deleted"] for e in events)
    assert deleted == filled.committer.counters.deleted


async def test_a_day_that_is_not_sealed_stays_with_all_later_ones(filled: Retaining) -> None:
    batch = filled.archive.batch()
    batch.delete_record(b"seal/" + day_of(KEPT_NS - 3 * NS_PER_DAY).encode())
    filled.archive.write(batch)
    due = filled.due()
    assert sum(day.is_sealed for day in due) == len(LANES) * 2
    assert sum(not day.is_sealed for day in due) == len(LANES)
