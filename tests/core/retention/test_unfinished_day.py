"""The writer finishes a day that retention has begun, and nothing that others have written."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nova.core.retention.survey import DaySurvey
from nova.core.store.given_back import DayGivenBack, encode_given_back, given_back_key
from nova.core.writer.day_removal import BY_RULE
from nova.core.writer.retention import Retention
from nova.sdk.errors import NovaError
from nova.sdk.retention_rule import RetentionRule
from tests.core.retaining import RULES, DeathError, Retaining

FORGERIES = ["kept", "later", "count", "digest", "deleted", "unsealed", "metadata"]


@pytest.fixture
def filled(tmp_path: Path) -> Retaining:
    retaining = Retaining(tmp_path, 60)
    retaining.fill(9)
    return retaining


def retention(filled: Retaining, rules: tuple[RetentionRule, ...] = RULES) -> Retention:
    return Retention(filled.committer, filled.submit, rules)


async def begun(filled: Retaining) -> DayGivenBack:
    """The record of the first due day, as retention writes it."""
    due = filled.due()[0]
    survey: DaySurvey = await filled.removal().survey(due.day, due.lane, due.numbers)
    return DayGivenBack(
        day=due.day,
        scope_id=due.scope_id,
        lane=due.lane,
        principal="retention",
        principal_kind="instance",
        rule=str(due.rule),
        events=survey.digest.events,
        bytes=survey.bytes,
        digest=survey.digest.text(),
        source_spans=survey.source_spans(),
    )


def put(filled: Retaining, record: DayGivenBack) -> None:
    """Write a record with a tool of RocksDB."""
    batch = filled.archive.batch()
    batch.put_record(given_back_key(0), encode_given_back(record))
    filled.archive.write(batch)


async def forged(filled: Retaining, way: str) -> DayGivenBack:
    record = await begun(filled)
    match way:
        case "kept":
            return replace(record, day="2026-01-08")
        case "later":
            return replace(record, day="2026-01-03")
        case "count":
            return replace(record, events=record.events + 1)
        case "digest":
            return replace(record, digest="sha256:00")
        case "deleted":
            return replace(record, deleted=1)
        case "unsealed":
            return replace(record, day="2026-01-10")
        case _:
            return replace(record, lane="metadata")


@pytest.mark.parametrize("way", FORGERIES)
async def test_a_forged_record_deletes_nothing(filled: Retaining, way: str) -> None:
    put(filled, await forged(filled, way))
    before = list(filled.archive.events.scan("canonical"))
    with pytest.raises(NovaError, match="is not continued"):
        await retention(filled).give_back(BY_RULE)
    assert list(filled.archive.events.scan("canonical")) == before


async def test_a_day_that_was_cut_waits_for_its_rule(filled: Retaining) -> None:
    filled.part_events = 7
    with pytest.raises(DeathError):
        await filled.give_back(commits=3)
    filled.reopen()
    with pytest.raises(NovaError, match="no rule of the setting"):
        await retention(filled, ()).give_back(BY_RULE)
    done = await retention(filled).give_back(BY_RULE)
    assert len(done) == 15 and all(one.is_finished for one in done)
