"""Checks the seals of an archive: their chain, the roots of their days, copies kept elsewhere."""

from __future__ import annotations

import msgspec

from nova.core.proof.finding import Finding
from nova.core.proof.kept_roots import KeptRoots
from nova.core.store import catalog
from nova.core.store.archive import Archive
from nova.core.store.catalog_record import record_name
from nova.core.store.day_tree import DayTree
from nova.core.store.seal_reader import sealed_day
from nova.core.utc_day import is_day
from nova.sdk.events.day_seal import DaySeal, SealGroup, make_seal, own_fault, seal_fault


class SealCheck:
    """The seals of an archive, and the days that were found beside them."""

    def __init__(self, archive: Archive) -> None:
        self._archive_id = archive.record.archive_id() or ""
        self.seals: dict[str, DaySeal] = {}
        self.findings: list[Finding] = []
        self._events: dict[str, int] = {}
        self._given_back = {
            (entry.day, SealGroup(entry.scope_id, entry.lane, is_own=False)): entry
            for entry in archive.given_back.entries
        }
        """The groups whose day retention has deleted."""

        self._read(archive)

    def _read(self, archive: Archive) -> None:
        previous: DaySeal | None = None
        for day, order_key in archive.record.seals():
            place = record_name(catalog.seal_key(day))
            seal = sealed_day(archive, order_key) if is_day(day) else None
            if seal is None or seal.day != day:
                reason = "the event that it names is missing or holds no seal of this day"
                self._add("missing", place, reason, day)
                continue
            if seal.archive != self._archive_id:
                self._add("changed", place, f"it is of archive {seal.archive}", day)
            if fault := seal_fault(seal, previous):
                self._add("changed", place, fault, day)
            self.seals[day] = previous = seal

    def _add(self, kind: str, place: str, reason: str, day: str) -> None:
        made = {"kind": kind, "place": place, "reason": reason, "day": day}
        self.findings.append(msgspec.convert(made, Finding))

    @property
    def last_day(self) -> str | None:
        """The last sealed day."""
        return max(self.seals, default=None)

    def add_day(self, day: str, events: int, tree: DayTree | None) -> None:
        """Compare a day that holds events with its seal; `tree` is that of a sealed day."""
        self._events[day] = events
        seal = self.seals.get(day)
        if seal is None:
            if self.last_day is not None and day < self.last_day:
                reason = f"{events:,} events are on a day that is sealed as empty"
                self._add("added", f"day {day}", reason, day)
        elif tree is not None and tree.root() != seal.root:
            self._compare(seal, tree)

    def _compare(self, seal: DaySeal, tree: DayTree) -> None:
        """Name the group that differs from its seal, and by how many events."""
        made = make_seal(seal.archive, seal.day, tree.root(), tree.groups(), None)
        sealed = {one.group(): one for one in seal.groups or ()}
        held = {one.group(): one for one in made.groups or ()}
        given_back = False
        for group in sorted({*sealed, *held}):
            before, now = sealed.get(group), held.get(group)
            counts = [0 if one is None else one.events for one in (before, now)]
            if self._was_given_back(seal.day, group, *counts):
                given_back = True
            elif before is None or now is None or before.root != now.root:
                self._add(_kind(*counts), _group_name(group), _difference(*counts), seal.day)
        if not self.findings and not given_back:
            reason = "its root is not that of its events in canonical order"
            self._add("changed", f"day {seal.day}", reason, seal.day)

    def _was_given_back(self, day: str, group: SealGroup, sealed: int, held: int) -> bool:
        """Whether retention has deleted a group of a day. What stays of it is compared with the
        digest of the audit event.
        """
        entry = self._given_back.get((day, group))
        return entry is not None and entry.events == sealed and held < sealed

    def finish(self) -> None:
        """Report sealed days without any event."""
        for day, seal in self.seals.items():
            if seal.events and day not in self._events:
                groups = seal.groups or ()
                given_back = [
                    one for one in groups if self._was_given_back(day, one.group(), one.events, 0)
                ]
                left = seal.events - sum(one.events for one in given_back)
                if left:
                    self._add("missing", f"day {day}", _difference(left, 0), day)

    def compare_file(self, kept_file: KeptRoots) -> None:
        """Compare the seals with a copy that was kept elsewhere; it may lack days."""
        for number, line in enumerate(kept_file.lines, 1):
            place = f"line {number} of {kept_file.path}"
            try:
                kept = msgspec.json.decode(line, type=DaySeal)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self.findings.append(
                    Finding(kind="changed", place=place, reason=f"it is no seal: {error}")
                )
                continue
            if fault := own_fault(kept):
                self._add("changed", place, fault, kept.day)
            elif (held := self.seals.get(kept.day)) is None:
                reason = "the archive has no seal of this day"
                self._add("missing", place, reason, kept.day)
            elif held.hash != kept.hash:
                reason = f"the archive has the seal {held.hash}, and not {kept.hash}"
                self._add("changed", place, reason, kept.day)


def _kind(sealed: int, held: int) -> str:
    if sealed == held:
        return "changed"
    return "missing" if held < sealed else "added"


def _difference(sealed: int, held: int) -> str:
    if sealed == held:
        return f"of its {sealed:,} events, one or more are not those that were sealed"
    return f"{sealed:,} events were sealed, and {held:,} are there"


def _group_name(group: SealGroup) -> str:
    own = " of NOVA itself" if group.is_own else ""
    return f"scope {group.scope_id}, lane {group.lane}{own}"
