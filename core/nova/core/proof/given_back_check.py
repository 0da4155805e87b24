"""Checks the records of days that retention has deleted. A record alone would excuse any deletion:
each has its event in the audit trail, and one that is not finished is itself a finding.
"""

from __future__ import annotations

from typing import Final

import msgspec

from nova.core.proof.catalog_check import record_name
from nova.core.proof.finding import Finding
from nova.core.store.archive import Archive
from nova.core.store.given_back import DayGivenBack, given_back_key
from nova.sdk.events.reserved import is_audit

DAY_GIVEN_BACK: Final = "DayGivenBack"


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    """What of a day both the audit event and the record say."""

    day: str
    scope_id: str
    lane: str
    events: int
    deleted: int


class _AuditedDay(msgspec.Struct):
    payload: _Details


def record_findings(archive: Archive, day: str | None = None) -> list[Finding]:
    """The records, of one day or of all, that do not prove a deletion on purpose."""
    entries = archive.given_back.entries
    audited = _audited(archive) if entries else set()
    found = []
    for number, one in enumerate(entries):
        is_last = number == len(entries) - 1
        fault = _unproved(one, audited) if one.is_finished else _unfinished(one, is_last=is_last)
        if fault and day in (None, one.day):
            place = record_name(given_back_key(number))
            found.append(Finding(kind="added", place=place, reason=fault, day=one.day))
    return found


def _unproved(one: DayGivenBack, audited: set[_Details]) -> str | None:
    """Why a finished record excuses nothing: no audit event names the day as it is recorded."""
    if _Details(one.day, one.scope_id, one.lane, one.events, one.deleted) in audited:
        return None
    return f"{_name(one)} is recorded as deleted on purpose, but no audit event says so"


def _unfinished(one: DayGivenBack, *, is_last: bool) -> str:
    """A deletion that was cut has no audit event yet, so nothing shows what it may delete."""
    if is_last:
        return f"the deletion of {_name(one)} is unfinished: start NOVA, then check again"
    return f"the deletion of {_name(one)} is unfinished, but later ones follow it"


def _name(one: DayGivenBack) -> str:
    return f"scope {one.scope_id}, lane {one.lane}"


def _audited(archive: Archive) -> set[_Details]:
    audited = set()
    for number, series in archive.record.series():
        if is_audit(series) and series.message_type == DAY_GIVEN_BACK:
            for event_key in archive.series.event_keys(number):
                stored = archive.events.envelope(event_key)
                if stored is not None:
                    audited.add(msgspec.json.decode(stored, type=_AuditedDay).payload)
    return audited
