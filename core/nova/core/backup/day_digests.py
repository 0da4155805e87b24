"""The digest of the events of each UTC day, by which a restored archive is compared with the one
that was backed up.

Canonical time only grows, so a day that is over keeps its digest, and the next backup computes only
the newest day and those after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from nova.core.errors import ArchiveError
from nova.core.ordering import TIME_BYTES, last_key_at, time_key, time_of
from nova.core.store.archive import Archive
from nova.core.utc_day import day_of, span_of
from nova.sdk.events.digest import EventDigest
from nova.sdk.timestamps import NS_MAX, NS_MIN

ReportEvents = Callable[[int, int], None]
"""Called with the events that are done, and their total."""


class DayDigest(msgspec.Struct, frozen=True, rename="camel"):
    """The events of a UTC day of canonical time, and their rolling digest in that order."""

    day: str
    events: int
    digest: str


def day_digests(
    archive: Archive, report: ReportEvents, known: Sequence[DayDigest] = ()
) -> list[DayDigest]:
    """The digest of every day of an archive, in order. Those of `known` are used without reading
    their events, except for the newest, if the archive still has the day. Raises ArchiveError if
    the days do not hold every counted event that was not deleted.
    """
    counted = archive.record.counters().held
    kept = [day for day in known[:-1] if _first_ns(archive, *span_of(day.day)) is not None]
    found = _with_later(archive, kept, counted, report)
    if kept and _events(found) != counted:
        # Days were removed in part, or the known ones are of another history of this archive.
        found = _with_later(archive, [], counted, report)
    if _events(found) != counted:
        raise ArchiveError(
            f"the archive in {archive.path} holds {_events(found)} events by canonical time, but "
            f"{counted} were counted"
        )
    return found


def _events(days: Sequence[DayDigest]) -> int:
    return sum(day.events for day in days)


def _with_later(
    archive: Archive, days: Sequence[DayDigest], counted: int, report: ReportEvents
) -> list[DayDigest]:
    """These days, and those after them."""
    found = list(days)
    done = _events(found)
    from_ns = span_of(found[-1].day)[1] + 1 if found else NS_MIN
    while from_ns <= NS_MAX and (first := _first_ns(archive, from_ns, NS_MAX)) is not None:
        day = day_of(first)
        digest = EventDigest()
        lower, upper = time_key(first), last_key_at(span_of(day)[1], reverse=False)
        for block, _ in archive.events.scan_blocks("canonical", lower, upper):
            digest.add(stored for _, stored in block)
            report(done + digest.events, counted)
        found.append(DayDigest(day, digest.events, digest.text()))
        done += digest.events
        from_ns = span_of(day)[1] + 1
    return found


def _first_ns(archive: Archive, from_ns: int, until_ns: int) -> int | None:
    """The first canonical time of a span, None if it has no event."""
    row = archive.events.first("canonical", time_key(from_ns), last_key_at(until_ns, reverse=False))
    return None if row is None else time_of(row[0][:TIME_BYTES])
