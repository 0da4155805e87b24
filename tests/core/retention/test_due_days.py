"""What is due is measured by a clock that cannot be ahead of what was sealed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nova.core.derived.day_sealer import DaySealer
from nova.core.retention.due_days import age_clock
from nova.core.utc_day import NS_PER_DAY, day_of
from nova.core.writer.day_removal import BY_RULE
from nova.core.writer.retention import Retention, written_until
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.command_here import command_here
from tests.core.proof.checking_archives import verified
from tests.core.retaining import DAYS, NOW_NS, RULES, Retaining
from tests.core.telling import START_NS, telling


def test_a_clock_that_is_ahead_makes_nothing_due(tmp_path: Path) -> None:
    retaining = Retaining(tmp_path, 5)
    retaining.fill(sealed_days=3)
    archive = retaining.archive
    assert age_clock(archive, START_NS) == START_NS
    assert age_clock(archive, NS_MAX) == START_NS + 4 * NS_PER_DAY
    retaining.now_ns = NOW_NS + 4_000 * NS_PER_DAY  # An event is stamped by the wrong clock.
    retaining.add([telling(NOW_NS, {"n": 1})])
    assert age_clock(archive, retaining.now_ns) == START_NS + 4 * NS_PER_DAY
    archive.close()


def test_without_a_seal_nothing_is_due(tmp_path: Path) -> None:
    retaining = Retaining(tmp_path, 5)
    retaining.fill(sealed_days=0)
    assert age_clock(retaining.archive, NOW_NS) == NS_MIN
    retaining.archive.close()


def test_a_day_whose_seal_lists_no_groups_is_kept(tmp_path: Path) -> None:
    """With the days after it; nothing would prove what is left of it."""
    retaining = Retaining(tmp_path, 40)
    retaining.fill(sealed_days=0)
    sealer = DaySealer(retaining.archive)
    days = [day_of(START_NS + number * NS_PER_DAY) for number in range(DAYS)]
    for number, day in enumerate(days):
        retaining.seal(sealer, day, is_listed=number != 2)
    retention = Retention(retaining.committer, retaining.submit, RULES)
    done = asyncio.run(retention.give_back(BY_RULE))
    retention.close()
    assert {one.day for one in done} == set(days[:2])
    assert {(one.day, one.is_sealed, one.is_listed) for one in retaining.due()} == {
        (days[2], True, False)
    }
    retaining.sync()
    retaining.archive.close()
    assert verified(tmp_path).findings == []
    plan = command_here("retention", "plan", "--data", str(tmp_path), "--rule", "sat/* 5d")
    assert b"too many scopes and lanes to list" in plan.stdout


def test_days_wait_for_the_daily_files(tmp_path: Path) -> None:
    assert written_until(tmp_path) == NS_MIN
    state = tmp_path / "state.json"
    state.write_text('{"cursorNs":7,"day":"2026-01-01"}')
    assert written_until(tmp_path) == 7
    state.write_text("{")
    assert written_until(tmp_path) == NS_MIN
