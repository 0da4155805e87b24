"""What is due is measured by a clock that cannot be ahead of what was sealed."""

from __future__ import annotations

from pathlib import Path

from nova.core.retention.due_days import age_clock
from nova.core.utc_day import NS_PER_DAY
from nova.core.writer.retention import written_until
from nova.sdk.timestamps import NS_MAX, NS_MIN
from tests.core.retaining import NOW_NS, Retaining
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


def test_days_wait_for_the_daily_files(tmp_path: Path) -> None:
    assert written_until(tmp_path) == NS_MIN
    state = tmp_path / "state.json"
    state.write_text('{"cursorNs":7,"day":"2026-01-01"}')
    assert written_until(tmp_path) == 7
    state.write_text("{")
    assert written_until(tmp_path) == NS_MIN
