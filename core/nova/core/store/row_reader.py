"""Reads the rows of every family as they are stored, for the check of an archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from nova.core.store.archive import Archive
from nova.core.store.key_value import KeyValue
from nova.core.store.scan import scan

BLOCK_ROWS = 1_024


class RowReader:
    """Rows in key order. Both bounds are included; raises ArchiveDamagedError if a block cannot be
    read.
    """

    def __init__(self, archive: Archive) -> None:
        self._families = archive.families

    def blocks(self, family: str, lower: bytes, upper: bytes) -> Iterator[list[KeyValue]]:
        rows = scan(self._families[family], lower, upper, expected_rows=BLOCK_ROWS)
        while block := list(islice(rows, BLOCK_ROWS)):
            yield block

    def values(self, family: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, None without such a row."""
        return self._families.read_many(family, keys)
