"""The proof that an open database is complete: RocksDB has every file open that the MANIFEST names,
and each event family of an archive holds at least as many rows as events were counted.

Each event has one row in each of these families, and rows are not replaced, so the rows in a
family's files and memtables are at least the number of events that are not deleted. They may be
more: until a log ends, a secondary keeps rows in memory that have been flushed to a file, and until
a compaction a deleted event counts twice, with its row and with the deletion of that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rocksdict import Rdict

from nova.core.store.live_files import LiveFiles

_ENTRIES = re.compile(r"# entries=(\d+)")
_MEMTABLE_PROPERTIES = ("num-entries-active-mem-table", "num-entries-imm-mem-tables")


class _MemtableRows(NamedTuple):
    """Rows of a family that are not in a file: of the active memtable, and of the sealed ones."""

    active: int
    sealed: int


class Completeness:
    """The proof for one open database. It is incremental: each call checks only what is new."""

    def __init__(
        self,
        database: Rdict,
        live: LiveFiles,
        overwritten: tuple[str, Rdict],
        event_families: Mapping[str, Rdict] | None = None,
    ) -> None:
        """`live` was read before the database was opened. `overwritten` is the name and handle of
        the family whose rows are replaced; `events` are the families with one row per event.
        """
        self._database = database
        self._live = live
        self._overwritten_name, self._overwritten_family = overwritten
        self._event_families = event_families or {}
        self._is_proved = False
        self._file_rows: dict[str, int] = {}
        self._manifest = live.manifest
        self._seen_sequence = self._sequence()
        self._memtable = _memtable_rows(self._overwritten_family)

    def fault_of_files(self) -> str | None:
        """The fault if RocksDB has not opened a file that the MANIFEST names, else None.

        The MANIFEST of a database that is being written may name a newer file than RocksDB has
        seen, so a fault counts only if it remains after catching up.
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
        self._file_rows = {
            name: _rows_in_files(family) for name, family in self._event_families.items()
        }
        self._is_proved = True
        return None

    def is_stale(self) -> bool:
        """Whether a secondary may return older values than its files hold; it must be reopened
        then. Call it after `fault_of_files` has returned None.

        When a log is flushed, a secondary skips the rest of that log, but keeps the rows that it
        had read from it in memory, in front of the files, until it reads another record.
        """
        filed, manifest = self._live.newest_sequence(self._overwritten_name), self._live.manifest
        # A compaction zeroes sequences, so the files that a new MANIFEST lists may show none.
        is_unseen = filed > self._seen_sequence or manifest != self._manifest
        before, self._memtable = self._memtable, _memtable_rows(self._overwritten_family)
        # The active memtable only grows, so a smaller one is a new one.
        was_dropped = self._memtable.sealed == 0 and self._memtable.active < before.active
        self._seen_sequence, self._manifest = self._sequence(), manifest
        return is_unseen and any(before) and not was_dropped

    def _sequence(self) -> int:
        return int(self._database.latest_sequence_number())

    def fault_of_counts(self, events: int) -> str | None:
        """The fault if a family holds fewer than the counted events, else None."""
        for name, family in self._event_families.items():
            held = self._file_rows[name] + sum(_memtable_rows(family))
            if held < events:
                return f"family {name} holds {held} events, but {events} were counted"
        return None


def _number(name: str) -> int:
    return int(name.strip("/").removesuffix(".sst"))


def _rows_in_files(family: Rdict) -> int:
    """The rows in a family's files, by their table properties."""
    properties = family.property_value("rocksdb.aggregated-table-properties")
    match = _ENTRIES.search(properties or "")
    return int(match.group(1)) if match else 0


def _memtable_rows(family: Rdict) -> _MemtableRows:
    return _MemtableRows(
        *(family.property_int_value(f"rocksdb.{name}") or 0 for name in _MEMTABLE_PROPERTIES)
    )
