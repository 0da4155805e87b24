"""Days that retention has deleted are no finding, and a record of one excuses no other deletion."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nova.core.ordering import time_of
from nova.core.proof.finding import Finding
from nova.core.store.deleted_ids import DELETED_PREFIX
from nova.core.store.given_back import DayGivenBack, encode_given_back, given_back_key
from nova.core.writer.audit_trail import audit_event
from nova.core.writer.day_removal import _audit_event
from nova.sdk.events.audit_entry import new_entry
from nova.sdk.field_types import JsonObject
from tests.core.proof.checking_archives import verified
from tests.core.proof.tampering import StoredEvent, Tamperer
from tests.core.retaining import DeathError, Retaining

EVENTS_PER_DAY = 60


@pytest.fixture
def filled(tmp_path: Path) -> Retaining:
    retaining = Retaining(tmp_path, EVENTS_PER_DAY)
    retaining.fill()
    return retaining


def forged(day: str, events: int, *, is_finished: bool) -> DayGivenBack:
    """A record as a tool would add it to hide what it has deleted."""
    return DayGivenBack(
        day=day,
        scope_id="sat",
        lane="raw",
        principal="retention",
        principal_kind="instance",
        rule="sat/* 5d",
        events=events,
        bytes=1,
        digest="",
        source_spans=[],
        deleted=events,
        is_finished=is_finished,
    )


def add_record(filled: Retaining, record: DayGivenBack) -> None:
    batch = filled.archive.batch()
    number = len(filled.archive.given_back.entries)
    batch.put_record(given_back_key(number), encode_given_back(record))
    filled.archive.write(batch)
    filled.archive.given_back.refresh()
    filled.sync()


def of_catalog(data: Path, day: str | None = None) -> list[Finding]:
    findings = verified(data, day=day).findings
    return [one for one in findings if one.place.startswith("catalog 0x")]


async def test_given_back_days_are_no_finding(filled: Retaining) -> None:
    """A day whose writer has died is one until it is finished."""
    with pytest.raises(DeathError):
        await filled.give_back(commits=4)
    filled.sync()
    (found,) = verified(filled.data).findings
    assert "is unfinished: start NOVA, then check again" in found.line()
    filled.reopen()
    await filled.give_back()
    report = verified(filled.data)
    assert (report.findings, report.given_back > 5) == ([], True)


async def test_a_record_without_its_event_excuses_nothing(filled: Retaining) -> None:
    """Neither for the whole check nor for that of its day."""
    await filled.give_back()
    add_record(filled, forged("2026-01-08", 3, is_finished=True))
    for day in (None, "2026-01-08"):
        (found,) = of_catalog(filled.data, day)
        assert (found.kind, found.day) == ("added", "2026-01-08")
        assert "no audit event says so" in found.line()
    assert of_catalog(filled.data, "2026-01-07") == []


def test_unfinished_records_excuse_nothing(filled: Retaining) -> None:
    """The last one may be a deletion that was cut; earlier ones cannot be."""
    for day in ("2026-01-03", "2026-01-04"):
        add_record(filled, forged(day, 3, is_finished=False))
    reasons = [one.reason for one in of_catalog(filled.data)]
    assert ["later ones follow it" in one for one in reasons] == [True, False]
    assert "start NOVA" in of_catalog(filled.data, "2026-01-04")[0].reason


@pytest.mark.parametrize(
    ("day", "rule", "reason"),
    [
        ("2026-01-10", "sat/* 5d", "this day is not sealed"),
        ("2026-01-08", "sat/* 5d", "which still kept it"),
        ("2026-01-08", "other/* 1d", "which still kept it"),
        ("2026-01-08", "everything", "is no rule"),
    ],
)
def test_a_record_with_its_event_excuses_only_what_retention_may_delete(
    tmp_path: Path, day: str, rule: str, reason: str
) -> None:
    """Somebody who knows the layout adds the record and the audit event."""
    filled = Retaining(tmp_path, EVENTS_PER_DAY)
    filled.fill(9)
    record = replace(forged(day, 3, is_finished=True), rule=rule)
    filled.committer.record(_audit_event(record, filled.committer.own_scope, ""))
    filled.committer.close_commit()
    add_record(filled, record)
    (found,) = of_catalog(filled.data)
    assert (found.day, reason in found.reason) == (day, True), found


@pytest.mark.parametrize(
    "changed",
    [
        None,
        {"rule": "sat/* 2d"},
        {"bytes": 3},
        {"digest": "ab"},
        {"principal": "retentioo"},
        {"principal_kind": "user"},
    ],
)
def test_a_record_of_an_earlier_version_is_compared_with_all_of_its_event(
    filled: Retaining, changed: dict[str, object] | None
) -> None:
    """Its audit event has no digest of the record, but what the record says."""
    record = replace(forged("2026-01-02", 3, is_finished=True), rule="sat/* 1d")
    names = {"scopeId": record.scope_id, "lane": record.lane}
    said = ("day", "rule", "events", "bytes", "digest", "deleted")
    details: JsonObject = {name: getattr(record, name) for name in said}
    made = new_entry("DayGivenBack", "retention", "instance", {**details, **names})
    filled.committer.record(audit_event(made, filled.committer.own_scope))
    filled.committer.close_commit()
    add_record(filled, replace(record, **(changed or {})))
    found = of_catalog(filled.data)
    assert len(found) == (changed is not None)
    for one, name in zip(found, changed or {}, strict=True):
        assert f"another {name.replace('_', ' ')} than in its audit event" in one.reason


class Forger(Tamperer):
    """Changes what is left of days that were given back."""

    def forge(self, like: StoredEvent, *, instead: bool) -> None:
        """Add an event like one that there is or was, or put it in its place."""
        forged = self._altered(like, time_of(like.event_key))
        self._change([like] if instead else [], [forged])

    def forget_ids(self) -> None:
        """Delete the ids of deleted events."""
        batch = self._archive.batch()
        batch.delete_records(DELETED_PREFIX, DELETED_PREFIX + b"\xff" * 20)
        self._archive.write(batch)

    def close(self) -> None:
        self._archive.sync()
        self._archive.close()


@pytest.mark.parametrize("way", ["parsed", "ui", "ids"])
async def test_forgeries_on_days_that_were_given_back_are_found(
    filled: Retaining, way: str
) -> None:
    """An event too many, an update of a view that is not the one that stayed, ids too few."""
    before = [StoredEvent(key, b"", one) for key, one in filled.archive.events.scan("canonical")]
    day = (await filled.give_back())[0].day
    filled.archive.close()
    assert verified(filled.data).findings == []
    forger = Forger(filled.data, filled.data / "none", 7)
    mine = b'"scopeId":"sat","lane":"%s"' % way.encode()
    if way == "ids":
        forger.forget_ids()
    else:
        events = forger.events if way == "ui" else before
        days = [one for one in events if one.day < "2026-01-06" and mine in one.stored]
        like = days[0] if way == "ui" else next(one for one in days if one.day == day)
        forger.forge(like, instead=way == "ui")
    forger.close()
    reasons = [one.reason for one in verified(filled.data).findings]
    wanted = {
        "parsed": "events are left up to this day",
        "ui": "had to stay",
        "ids": "but the ids of 0",
    }[way]
    assert [one for one in reasons if wanted in one], reasons
    if way != "ids":
        assert verified(filled.data, day=day).findings
