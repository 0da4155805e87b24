"""The proof that an open database is whole: RocksDB has every file open that the MANIFEST names,
and every family of an archive's events holds as many as were counted.

Each event has one row in each of these families, and rows are neither replaced nor removed, so what
the files and the memory of a family hold is at least the number of events. It may be more: until a
log is over, a secondary keeps rows in memory that are in a file by now.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rocksdict import Rdict

from core.store.live_files import LiveFiles

_ENTRIES = re.compile(r"# entries=(\d+)")
_WAITING = ("num-entries-active-mem-table", "num-entries-imm-mem-tables")


class _Waiting(NamedTuple):
    """The rows of a family that are not in a file yet: in the memory that is read into, and in what
    was sealed.
    """

    active: int
    sealed: int


class Completeness:
    """What was proved of one open database, so that each look is only at what is new."""

    def __init__(
        self,
        database: Rdict,
        live: LiveFiles,
        overwritten: tuple[str, Rdict],
        events: Mapping[str, Rdict] | None = None,
    ) -> None:
        """`live` as it was before the database was opened; `overwritten` is the family whose rows
        are written over, and `events` those that hold one row of each event.
        """
        self._database = database
        self._live = live
        self._name, self._rows = overwritten
        self._events = events or {}
        self._is_proved = False
        self._filed: dict[str, int] = {}
        self._manifest = live.manifest
        self._seen = self._sequence()
        self._waiting = _waiting(self._rows)

    def fault_of_files(self) -> str | None:
        """Why a file that the MANIFEST names is not open; None if all are.

        On one that is being written the MANIFEST may name a newer file than RocksDB has seen: a
        fault stands only if it is still there after catching up.
        """
        try:
            if not self._live.refresh() and self._is_proved:
                return None
        except FileNotFoundError as error:
            return f"{error.filename} is missing"
        self._is_proved = False
        opened = {_number(str(file["name"])) for file in self._database.live_files()}
        lost = sorted(self._live.sizes.keys() - opened)
        if lost:
            return self._live.fault_of(lost)
        self._filed = {name: _entries(family) for name, family in self._events.items()}
        self._is_proved = True
        return None

    def is_shadowed(self) -> bool:
        """Whether a secondary may show older values of keys than its files hold; then it has to be
        opened anew. To be asked once the files are proved.

        Where a log was flushed, a secondary skips what it had not read of it, and keeps what it had
        read in memory, in front of the files, until another record comes.
        """
        filed, manifest = self._live.filed_sequence(self._name), self._live.manifest
        # Files that a new MANIFEST begins with may have lost their sequences by merging.
        is_unseen = filed > self._seen or manifest != self._manifest
        before, self._waiting = self._waiting, _waiting(self._rows)
        # Memory that is read into grows until it is replaced.
        was_dropped = self._waiting.sealed == 0 and self._waiting.active < before.active
        self._seen, self._manifest = self._sequence(), manifest
        return is_unseen and any(before) and not was_dropped

    def _sequence(self) -> int:
        return int(self._database.latest_sequence_number())

    def fault_of_counts(self, events: int) -> str | None:
        """Which family holds fewer events than were counted; None if none does."""
        for name, family in self._events.items():
            held = self._filed[name] + sum(_waiting(family))
            if held < events:
                return f"{name} holds {held} events where {events} were counted"
        return None


def _number(name: str) -> int:
    return int(name.strip("/").removesuffix(".sst"))


def _entries(family: Rdict) -> int:
    """The rows in a family's files, as their footers tell."""
    told = family.property_value("rocksdb.aggregated-table-properties")
    match = _ENTRIES.search(told or "")
    return int(match.group(1)) if match else 0


def _waiting(family: Rdict) -> _Waiting:
    return _Waiting(*(family.property_int_value(f"rocksdb.{name}") or 0 for name in _WAITING))
