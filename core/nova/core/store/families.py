"""The column families of an open archive, by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rocksdict import Rdict

from nova.core.errors import ArchiveDamagedError
from nova.core.store.shortage import shortage


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
            values = self[name].get(list(keys))
        except Exception as error:
            raise shortage(f"the archive in {self.path}", str(error)) or ArchiveDamagedError(
                f"family {name} of the archive in {self.path} cannot be read: {error}"
            ) from error
        return [] if values is None else list(values)
