"""The sum of the rows that keep the ids of deleted events, by which a changed one is found.

Rows may come in any order and in parts. Each counts with a hash of 2,048 bits of its key and value,
so that nobody can make other rows with the same sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import shake_256
from typing import Final

from nova.core.store.key_value import KeyValue

IdsSum = bytes
"""As it is stored."""

SUM_BYTES: Final = 256
KEY_LENGTH_BYTES: Final = 4
_MODULUS: Final = 1 << 8 * SUM_BYTES


class DeletedIdsSum:
    """Begins with the sum of earlier rows, as `value` returned it, or with no rows."""

    def __init__(self, earlier: IdsSum = b"") -> None:
        self._total = int.from_bytes(earlier, "big")

    def add(self, rows: Iterable[KeyValue]) -> None:
        for key, value in rows:
            length = len(key).to_bytes(KEY_LENGTH_BYTES, "big")
            hashed = shake_256(length + key + value).digest(SUM_BYTES)
            self._total += int.from_bytes(hashed, "big")

    def value(self) -> IdsSum:
        return (self._total % _MODULUS).to_bytes(SUM_BYTES, "big")
