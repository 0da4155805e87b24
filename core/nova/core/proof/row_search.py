"""Finds the rows that make two sums differ: event by event and row by row, in one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nova.core.ordering import EVENT_ID_OFFSET, EVENT_KEY_BYTES
from nova.core.proof.event_check import EventCheck
from nova.core.proof.finding import Finding, finding_at
from nova.core.proof.piece_check import PieceCheck
from nova.core.store.archive import Archive
from nova.core.store.index_rows import event_key_of_row, index_rows
from nova.core.store.key_value import KeyValue
from nova.core.store.keys import event_id_of
from nova.core.store.row_reader import RowReader

FIRST, LAST = b"", b"\xff" * 64
NOWHERE = b"\xff" * 64
"""Stands for the event key of a row of a wrong size."""


class RowSearch:
    """Searches in an archive up to a time. `faulty` are the event keys of rows that are known to be
    no events; their index rows are not reported again.
    """

    def __init__(self, archive: Archive, until_ns: int, faulty: set[bytes]) -> None:
        self._pieces = PieceCheck(archive)
        self._check = EventCheck(self._pieces.names)
        self._rows = RowReader(archive)
        self._until_ns = until_ns
        self._faulty = faulty

    def findings(self, families: Sequence[str]) -> list[Finding]:
        """For each family, the first event that lacks its row and the first row without one."""
        missing = self._without_row(families, FIRST, LAST)
        extra = [found for family in families if (found := self._without_event(family))]
        return [*missing, *extra]

    def without_rows(self, families: Sequence[str], lower: bytes, upper: bytes) -> list[Finding]:
        """The first event of a range of `canonical` that lacks its row, for each family."""
        return self._without_row(families, lower, upper)

    def _without_row(self, families: Sequence[str], lower: bytes, upper: bytes) -> list[Finding]:
        found: dict[str, Finding] = {}
        for block in self._pieces.blocks(lower, upper, self._until_ns):
            checked = self._check.check(block)
            event_keys, source_keys = checked.event_keys(), checked.source_keys()
            for family in [one for one in families if one not in found]:
                rows = index_rows(family, event_keys, source_keys)
                values = self._rows.values(family, [key for key, _ in rows])
                for (event_key, stored), (_, wanted), value in zip(
                    checked.rows, rows, values, strict=True
                ):
                    if value != wanted:
                        reason = "it has no row in" if value is None else "it has another row in"
                        found[family] = finding_at(
                            "missing" if value is None else "changed",
                            family,
                            f"{reason} {family}",
                            event_key,
                            event_id_of(stored),
                        )
                        break
            if len(found) == len(families):
                break
        return list(found.values())

    def _without_event(self, family: str) -> Finding | None:
        """The first row, by canonical time, that is not that of its event."""
        first: tuple[bytes, bytes] | None = None
        for block in self._pieces.index_blocks(family, FIRST, LAST, self._until_ns):
            for event_key, event_id in self._strange_rows(family, block):
                if first is None or event_key < first[0]:
                    first = event_key, event_id
        if first is None:
            return None
        event_key, event_id = first
        reason = f"a row of {family} has no event in canonical"
        return finding_at("missing", family, reason, event_key, event_id)

    def _strange_rows(self, family: str, block: list[KeyValue]) -> Iterator[tuple[bytes, bytes]]:
        """Event key and eventId, as far as they are known, of the rows that no event has."""
        keys = [event_key_of_row(family, row) or NOWHERE for row in block]
        stored = self._rows.values("canonical", keys)
        present = [(key, envelope) for key, envelope in zip(keys, stored, strict=True) if envelope]
        checked = self._check.check([row for row in present if len(row[0]) == EVENT_KEY_BYTES])
        expected = set(index_rows(family, checked.event_keys(), checked.source_keys()))
        for key, row in zip(keys, block, strict=True):
            if row not in expected and key not in self._faulty:
                yield key, row[0][EVENT_ID_OFFSET:] if family == "source" else b""
