"""The column families of an open archive, by name."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path

from rocksdict import Rdict

from nova.core.errors import ArchiveDamagedError
from nova.core.store.shortage import shortage

SPLIT_MIN_KEYS = 256
"""From this number on threads look keys up beside each other: where blocks have to come from the
disk, most of the time is waiting for it. For fewer keys, threads cost what they save.
"""

LOOK_UP_THREADS = 8


class Families(dict[str, Rdict]):
    """The archive and its readers share this dict and no handle in it: a secondary replaces them
    when it opens again, and a copied handle would keep the database open.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def read(self, name: str, key: bytes) -> bytes | None:
        """One value, or None; raises ArchiveDamagedError if it cannot be read."""
        return self.read_many(name, [key])[0]

    def read_many(self, name: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """One value per key, None for an absent key; raises ArchiveDamagedError if one cannot be
        read.
        """
        if not keys:
            return []
        try:
            values = _look_up(self[name], keys)
        except Exception as error:
            raise shortage(f"the archive in {self.path}", str(error)) or ArchiveDamagedError(
                f"family {name} of the archive in {self.path} cannot be read: {error}"
            ) from error
        return values


def _look_up(family: Rdict, keys: Sequence[bytes]) -> list[bytes | None]:
    """One value per key, in their order. Each thread gets neighbours: they share blocks."""
    if len(keys) < SPLIT_MIN_KEYS:
        return _values(family, keys)
    ascending = sorted(set(keys))
    size = -(-len(ascending) // LOOK_UP_THREADS)
    parts = [ascending[start : start + size] for start in range(0, len(ascending), size)]
    found: dict[bytes, bytes | None] = {}
    looked_up = [_threads().submit(_values, family, part) for part in parts]
    # All have to end first: after a fault the caller may close what a thread still reads.
    wait(looked_up)
    for part, values in zip(parts, looked_up, strict=True):
        found.update(zip(part, values.result(), strict=True))
    return [found[key] for key in keys]


def _values(family: Rdict, keys: Sequence[bytes]) -> list[bytes | None]:
    values: Sequence[bytes | None] | None = family.get(list(keys))
    return list(values or ())


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOK_UP_THREADS, thread_name_prefix="look-up")


os.register_at_fork(after_in_child=_threads.cache_clear)  # A child has none of the threads.
