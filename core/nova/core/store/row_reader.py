"""Reads the rows of every family as they are stored, for the check of an archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat

from nova.core.store.archive import Archive
from nova.core.store.index_rows import INDEX_FAMILIES
from nova.core.store.key_value import KeyValue
from nova.core.store.scan import scan_blocks, scan_small_rows

BLOCK_ROWS = 1_024
"""The least number of rows of a block, but for the last one."""


class RowReader:
    """Rows in key order. Both bounds are included; raises ArchiveDamagedError if a block cannot be
    read.
    """

    def __init__(self, archive: Archive, block_rows: int = BLOCK_ROWS) -> None:
        self._families = archive.families
        self._block_rows = block_rows

    def blocks(self, family: str, lower: bytes, upper: bytes) -> Iterator[list[KeyValue]]:
        if family in INDEX_FAMILIES:
            counts = repeat(self._block_rows)
            yield from scan_small_rows(self._families[family], lower, upper, counts)
            return
        rows: list[KeyValue] = []
        for block, _ in scan_blocks(self._families[family], lower, upper):
            rows += block
            if len(rows) >= self._block_rows:
                yield rows
                rows = []
        if rows:
            yield rows

    def values(self, family: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, None without such a row."""
        return self._families.read_many(family, keys)
