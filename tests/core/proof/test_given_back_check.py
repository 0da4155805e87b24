"""Days that retention has deleted are no finding, and a record of one excuses no other deletion."""

from __future__ import annotations

from pathlib import Path

import pytest

from nova.core.store.given_back import DayGivenBack, encode_given_back, given_back_key
from tests.core.proof.checking_archives import verified
from tests.core.retaining import DeathError, Retaining

EVENTS_PER_DAY = 60


@pytest.fixture
def filled(tmp_path: Path) -> Retaining:
    retaining = Retaining(tmp_path, EVENTS_PER_DAY)
    retaining.fill()
    return retaining


async def test_given_back_days_are_no_finding(filled: Retaining) -> None:
    """In the middle of a day, after a writer has died there, and when all is done."""
    with pytest.raises(DeathError):
        await filled.give_back(commits=4)
    filled.sync()
    assert verified(filled.data).findings == []
    filled.reopen()
    await filled.give_back()
    report = verified(filled.data)
    assert (report.findings, report.given_back > 5) == ([], True)


async def test_a_record_without_its_event_excuses_nothing(filled: Retaining) -> None:
    """As a tool would add it to hide what it has deleted."""
    await filled.give_back()
    record = DayGivenBack(
        day="2026-01-08",
        scope_id="sat",
        lane="raw",
        principal="retention",
        principal_kind="instance",
        rule="sat/* 5d",
        events=3,
        bytes=1,
        digest="",
        source_spans=[],
        deleted=3,
        is_finished=True,
    )
    batch = filled.archive.batch()
    number = filled.archive.given_back.finished
    batch.put_record(given_back_key(number), encode_given_back(record))
    filled.archive.write(batch)
    filled.sync()
    (found,) = [one for one in verified(filled.data).findings if one.place.startswith("catalog")]
    assert (found.kind, found.day) == ("added", "2026-01-08")
    assert "no audit event says so" in found.line()
