"""Checks the records of days that retention has deleted: each has its event in the audit trail,
which a later seal covers. A record alone would excuse any deletion.
"""

from __future__ import annotations

from typing import Final

import msgspec

from nova.core.proof.catalog_check import record_name
from nova.core.proof.finding import Finding
from nova.core.store.archive import Archive
from nova.core.store.given_back import given_back_key
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


def unaudited_days(archive: Archive) -> list[Finding]:
    """The finished days that no audit event names as they are recorded."""
    entries = archive.given_back.entries
    audited = _audited(archive) if entries else set()
    found = []
    for number, one in enumerate(entries):
        details = _Details(one.day, one.scope_id, one.lane, one.events, one.deleted)
        if one.is_finished and details not in audited:
            place = record_name(given_back_key(number))
            reason = (
                f"scope {one.scope_id}, lane {one.lane} is recorded as deleted on purpose, but no "
                "audit event says so"
            )
            found.append(Finding(kind="added", place=place, reason=reason, day=one.day))
    return found


def _audited(archive: Archive) -> set[_Details]:
    audited = set()
    for number, series in archive.record.series():
        if is_audit(series) and series.message_type == DAY_GIVEN_BACK:
            for event_key in archive.series.event_keys(number):
                stored = archive.events.envelope(event_key)
                if stored is not None:
                    audited.add(msgspec.json.decode(stored, type=_AuditedDay).payload)
    return audited
