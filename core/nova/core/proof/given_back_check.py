"""Checks the records of days that retention has deleted. A record alone would excuse any deletion:
each has its event in the audit trail, and one that is not finished is itself a finding.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple

import msgspec

from nova.core.ordering import time_of
from nova.core.proof.finding import Finding
from nova.core.proof.piece_check import UNREADABLE_SERIES
from nova.core.retention.due_days import due_until, sealed_events
from nova.core.store.archive import Archive
from nova.core.store.catalog_record import UNREADABLE, record_name
from nova.core.store.given_back import DayGivenBack, given_back_key
from nova.core.store.left_digest import left_digest
from nova.sdk.errors import SettingsError
from nova.sdk.events.reserved import is_audit
from nova.sdk.retention_rule import retention_rules
from nova.sdk.timestamps import NS_MIN

DAY_GIVEN_BACK: Final = "DayGivenBack"


class _Details(msgspec.Struct, frozen=True, rename="camel"):
    """What of a day both the audit event and the record say."""

    day: str
    scope_id: str
    lane: str
    events: int
    deleted: int


class _AuditedDetails(_Details, frozen=True, rename="camel"):
    """With the digest of the events that stayed of this day and of those before it; earlier
    versions did not write it.
    """

    left_digest: str | None = None
    record_digest: str | None = None
    """Of the finished record; earlier versions did not write it."""

    rule: str | None = None
    bytes: int | None = None
    digest: str | None = None
    principal: str | None = None
    principal_kind: str | None = None

    def differing(self, record: DayGivenBack) -> str | None:
        """What else the event says of the day, and the record says otherwise."""
        for name in ("rule", "bytes", "digest", "principal", "principal_kind"):
            if getattr(self, name) not in (None, getattr(record, name)):
                return name.replace("_", " ")
        return None


class _AuditedDay(msgspec.Struct):
    payload: _AuditedDetails


class _Deletion(NamedTuple):
    """An audited deletion, and when it was finished."""

    audited: _AuditedDetails
    at_ns: int


Audited = dict[_Details, _Deletion]


def record_findings(archive: Archive, day: str | None = None) -> list[Finding]:
    """The records, of one day or of all, that do not prove a deletion on purpose."""
    entries = archive.given_back.entries
    audited = _audited(archive) if entries else {}
    found = _lane_findings(archive, audited, day)
    for number, one in enumerate(entries):
        is_last = number == len(entries) - 1
        if one.is_finished:
            fault = _unproved(one, audited) or _unfounded(archive, number, audited[_details(one)])
        else:
            fault = _unfinished(one, is_last=is_last)
        if fault and day in (None, one.day):
            place = record_name(given_back_key(number))
            found.append(Finding(kind="added", place=place, reason=fault, day=one.day))
    return found


def _lane_findings(archive: Archive, audited: Audited, day: str | None) -> list[Finding]:
    """Of each scope and lane, what is left of the days that were given back must be as many events
    as were not deleted, and those that the last deletion left.
    """
    lanes: defaultdict[tuple[str, str], list[DayGivenBack]] = defaultdict(list)
    for one in archive.given_back.entries:
        lanes[one.scope_id, one.lane].append(one)
    found = []
    for entries in lanes.values():
        last = max(entries, key=lambda one: one.day)
        event_keys = _left(archive, last)
        expected = sum(one.events - one.deleted for one in entries)
        kind = "added" if len(event_keys) > expected else "missing"
        reason = f"{expected:,} events are left up to this day, but {len(event_keys):,} are there"
        if len(event_keys) == expected:
            deletion = audited.get(_details(last))
            digest = None if deletion is None else deletion.audited.left_digest
            if digest is None or digest == left_digest(archive, event_keys):
                continue
            kind, reason = "changed", "the events that are left are not those that had to stay"
        if day is None or any(one.day == day for one in entries):
            made = {"kind": kind, "place": _name(last), "reason": reason, "day": last.day}
            found.append(msgspec.convert(made, Finding))
    return found


def _left(archive: Archive, last: DayGivenBack) -> list[bytes]:
    """The keys of the events that are left of a scope and lane up to a day."""
    return [
        event_key
        for number, names in archive.record.series(unreadable=UNREADABLE_SERIES)
        if last.has_series(names)
        for event_key in archive.series.event_keys(number, NS_MIN, last.span[1])
    ]


def _details(one: DayGivenBack) -> _Details:
    return _Details(one.day, one.scope_id, one.lane, one.events, one.deleted)


def _unproved(one: DayGivenBack, audited: Audited) -> str | None:
    """Why a finished record excuses nothing: no audit event names the day as it is recorded."""
    if _details(one) in audited:
        return None
    return f"{_name(one)} is recorded as deleted on purpose, but no audit event says so"


def _unfounded(archive: Archive, number: int, deletion: _Deletion) -> str | None:
    """Why a record is not that of its audit event, or not one of retention."""
    one = archive.given_back.entries[number]
    if name := deletion.audited.differing(one):
        return f"{_name(one)} is recorded with another {name} than in its audit event"
    if deletion.audited.record_digest not in (None, archive.given_back.stored_digest(number)):
        return f"{_name(one)} has another record than the one in its audit event"
    return _not_allowed(archive, one, deletion)


def _not_allowed(archive: Archive, one: DayGivenBack, deletion: _Deletion) -> str | None:
    """Why retention cannot have deleted a day: it deletes sealed days only, that are older than
    their rule keeps them.
    """
    if sealed_events(archive, one.day, one.scope_id, one.lane) is None:
        return f"{_name(one)} is recorded as deleted on purpose, but this day is not sealed"
    try:
        (rule,) = retention_rules([one.rule])
    except (ValueError, SettingsError):
        return f"{_name(one)} is recorded as deleted by {one.rule[:80]!r}, which is no rule"
    if not rule.matches(one.scope_id, one.lane) or one.span[1] > due_until(rule, deletion.at_ns):
        return f"{_name(one)} is recorded as deleted by {rule}, which still kept it"
    return None


def _unfinished(one: DayGivenBack, *, is_last: bool) -> str:
    """A deletion that was cut has no audit event yet, so nothing shows what it may delete."""
    if is_last:
        return f"the deletion of {_name(one)} is unfinished: start NOVA, then check again"
    return f"the deletion of {_name(one)} is unfinished, but later ones follow it"


def _name(one: DayGivenBack) -> str:
    return f"scope {one.scope_id}, lane {one.lane}"


def _audited(archive: Archive) -> Audited:
    audited: Audited = {}
    for number, series in archive.record.series(unreadable=UNREADABLE_SERIES):
        if is_audit(series) and series.message_type == DAY_GIVEN_BACK:
            for event_key in archive.series.event_keys(number):
                stored = archive.events.envelope(event_key)
                if stored is not None:
                    try:
                        one = msgspec.json.decode(stored, type=_AuditedDay).payload
                    except UNREADABLE:
                        continue  # Reported as an event; its day is not proved.
                    details = _Details(one.day, one.scope_id, one.lane, one.events, one.deleted)
                    audited.setdefault(details, _Deletion(one, time_of(event_key)))
    return audited
